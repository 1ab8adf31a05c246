fn main() {
    let protos = "../../../../proto";
    tonic_prost_build::configure()
        .compile_protos(&[format!("{protos}/saker/echo/v1/echo.proto")], &[protos.to_string()])
        .expect("echo.proto compiles");
}
