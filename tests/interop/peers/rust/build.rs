//! Messages and services of proto/grpc/testing; Empty is one of them, not prost's ().
fn main() {
    let protos = "../../../../proto";
    tonic_prost_build::configure()
        .compile_protos(&[format!("{protos}/grpc/testing/test.proto")], &[protos.to_string()])
        .expect("the protos compile");
}
