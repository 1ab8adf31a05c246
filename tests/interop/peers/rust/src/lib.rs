//! What server and client share: the generated code, the command line, payloads.

#[allow(clippy::all)]
pub mod testing {
    tonic::include_proto!("grpc.testing");
}

pub mod observed;

use std::collections::HashMap;

pub const ECHO_INITIAL: &str = "x-grpc-test-echo-initial";
pub const ECHO_TRAILING: &str = "x-grpc-test-echo-trailing-bin";

/// `--name value` pairs, and the words that have no name.
pub fn arguments() -> (HashMap<String, String>, Vec<String>) {
    let (mut flags, mut rest) = (HashMap::new(), Vec::new());
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.strip_prefix("--") {
            Some(name) => drop(flags.insert(name.to_string(), words.next().unwrap_or_default())),
            None => rest.push(word),
        }
    }
    (flags, rest)
}

pub fn payload(bytes: i32) -> Option<testing::Payload> {
    Some(testing::Payload { r#type: 0, body: vec![0; bytes.max(0) as usize] })
}
