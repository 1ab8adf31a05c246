fn main() {
    let protos = "../../../../proto";
    pajamax_build::compile_protos_in_local(&[format!("{protos}/saker/echo/v1/echo.proto")], &[protos.to_string()])
        .expect("echo.proto compiles");
}
