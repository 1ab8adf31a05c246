fn main() {
    let protos = "../../../../proto";
    prost_build::compile_protos(&[format!("{protos}/saker/echo/v1/echo.proto")], &[protos.to_string()])
        .expect("echo.proto compiles");
}
