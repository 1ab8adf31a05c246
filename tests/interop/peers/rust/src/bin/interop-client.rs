//! gRPC's interoperability cases by tonic, stock. One line a case: "ok  NAME" or "FAIL  NAME  why".
//!   interop-client --target host:port|unix:/path [--ca FILE --server-name NAME] CASE...
use interop_peer::testing::{
    test_service_client::TestServiceClient, unimplemented_service_client::UnimplementedServiceClient, *,
};
use interop_peer::observed::{Flags, Observed};
use interop_peer::{arguments, payload, ECHO_INITIAL, ECHO_TRAILING};
use std::{collections::HashMap, time::Duration};
use tokio_stream::wrappers::ReceiverStream;
use tonic::codec::CompressionEncoding::Gzip;
use tonic::metadata::{MetadataMap, MetadataValue};
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};
use tonic::{Code, Request, Status, Streaming};

type Outcome = Result<(), String>;
type Client = TestServiceClient<Observed>;

const REQUEST_BYTES: [i32; 4] = [27182, 8, 1828, 45904];
const REPLY_BYTES: [i32; 4] = [31415, 9, 2653, 58979];
const CONCURRENT_CALLS: usize = 100;
const SPECIAL: &str = "\t\ntest with whitespace\r\nand Unicode BMP \u{263a} and non-BMP \u{1F608}\t\n";

async fn connect(flags: &HashMap<String, String>) -> Result<Channel, Box<dyn std::error::Error>> {
    let target = &flags["target"];
    let scheme = if flags.contains_key("ca") { "https" } else { "http" };
    let is_unix = target.starts_with("unix:");
    let host = if is_unix { "localhost" } else { target };
    let mut endpoint = Endpoint::from_shared(format!("{scheme}://{host}"))?;
    if let Some(ca) = flags.get("ca") {
        let ca = Certificate::from_pem(std::fs::read(ca)?);
        endpoint = endpoint.tls_config(ClientTlsConfig::new().ca_certificate(ca).domain_name(&flags["server-name"]))?;
    }
    if is_unix && scheme == "http" {
        endpoint = Endpoint::from_shared(target.clone())?;
    } else if is_unix {
        return Ok(endpoint.connect_with_connector(unix::Connector(target["unix:".len()..].to_string())).await?);
    }
    Ok(endpoint.connect().await?)
}

/// TLS over a Unix socket: Endpoint's own support for those is for plain connections.
mod unix {
    use std::{future::Future, pin::Pin, task::{Context, Poll}};
    use tonic::codegen::http::Uri;

    pub struct Connector(pub String);
    impl tower_service::Service<Uri> for Connector {
        type Response = hyper_util::rt::TokioIo<tokio::net::UnixStream>;
        type Error = std::io::Error;
        type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;
        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
            Poll::Ready(Ok(()))
        }
        fn call(&mut self, _: Uri) -> Self::Future {
            let path = self.0.clone();
            Box::pin(async { Ok(hyper_util::rt::TokioIo::new(tokio::net::UnixStream::connect(path).await?)) })
        }
    }
}

fn expect<T: PartialEq + std::fmt::Debug>(got: T, wanted: T) -> Outcome {
    if got == wanted { Ok(()) } else { Err(format!("{got:?}, not {wanted:?}")) }
}

fn expect_error<T>(result: Result<T, Status>, code: Code, message: Option<&str>) -> Outcome {
    match result {
        Ok(_) => Err(format!("Ok, not {code:?}")),
        Err(status) => {
            expect(status.code(), code)?;
            message.map_or(Ok(()), |message| expect(status.message(), message))
        }
    }
}

fn failed(status: Status) -> String {
    format!("{:?} {}", status.code(), status.message())
}

fn body(payload: &Option<Payload>) -> i32 {
    payload.as_ref().map_or(0, |payload| payload.body.len() as i32)
}

fn large() -> SimpleRequest {
    SimpleRequest { response_size: 314159, payload: payload(271828), ..Default::default() }
}

fn output(reply_bytes: &[i32], request_bytes: i32) -> StreamingOutputCallRequest {
    let parameters = reply_bytes.iter().map(|size| ResponseParameters { size: *size, ..Default::default() });
    StreamingOutputCallRequest {
        response_parameters: parameters.collect(),
        payload: payload(request_bytes),
        ..Default::default()
    }
}

async fn sizes(mut replies: Streaming<StreamingOutputCallResponse>) -> Result<Vec<i32>, Status> {
    let mut sizes = Vec::new();
    while let Some(reply) = replies.message().await? {
        sizes.push(body(&reply.payload));
    }
    Ok(sizes)
}

async fn large_unary(client: &mut Client) -> Outcome {
    let reply = client.unary_call(large()).await.map_err(failed)?;
    expect(body(&reply.get_ref().payload), 314159)
}

async fn client_streaming(client: &mut Client) -> Outcome {
    let requests = REQUEST_BYTES.map(|bytes| StreamingInputCallRequest { payload: payload(bytes), ..Default::default() });
    let reply = client.streaming_input_call(tokio_stream::iter(requests)).await.map_err(failed)?;
    expect(reply.get_ref().aggregated_payload_size, 74922)
}

async fn server_streaming(client: &mut Client) -> Outcome {
    let replies = client.streaming_output_call(output(&REPLY_BYTES, 0)).await.map_err(failed)?;
    expect(sizes(replies.into_inner()).await.map_err(failed)?, REPLY_BYTES.to_vec())
}

/// Compression of requests is an option of tonic's clients: one has it, the other has not.
async fn client_compressed_unary(plain: &mut Client) -> Outcome {
    let request = |value| SimpleRequest { expect_compressed: Some(BoolValue { value }), ..large() };
    expect_error(plain.unary_call(request(true)).await, Code::InvalidArgument, None)?;
    let mut compressing = plain.clone().send_compressed(Gzip);
    for (client, value) in [(&mut compressing, true), (plain, false)] {
        let reply = client.unary_call(request(value)).await.map_err(failed)?;
        expect(body(&reply.get_ref().payload), 314159)?;
    }
    Ok(())
}

async fn server_compressed_unary(client: &mut Client, flags: &Flags) -> Outcome {
    for value in [true, false] {
        let request = SimpleRequest { response_compressed: Some(BoolValue { value }), ..large() };
        let reply = client.unary_call(request).await.map_err(failed)?;
        expect(std::mem::take(&mut *flags.lock().unwrap()), vec![value])?;
        expect(body(&reply.get_ref().payload), 314159)?;
    }
    Ok(())
}

async fn server_compressed_streaming(client: &mut Client, flags: &Flags) -> Outcome {
    let mut request = output(&[31415, 92653], 0);
    request.response_parameters[0].compressed = Some(BoolValue { value: true });
    request.response_parameters[1].compressed = Some(BoolValue { value: false });
    let replies = client.streaming_output_call(request).await.map_err(failed)?;
    expect(sizes(replies.into_inner()).await.map_err(failed)?, vec![31415, 92653])?;
    expect(flags.lock().unwrap().clone(), vec![true, false])
}

async fn ping_pong(client: &mut Client) -> Outcome {
    let (requests, receiver) = tokio::sync::mpsc::channel(1);
    let send = |at: usize| requests.send(output(&REPLY_BYTES[at..at + 1], REQUEST_BYTES[at]));
    send(0).await.map_err(|error| error.to_string())?;
    let mut replies = client.full_duplex_call(ReceiverStream::new(receiver)).await.map_err(failed)?.into_inner();
    for at in 0..4 {
        let reply = replies.message().await.map_err(failed)?.ok_or("the stream has ended")?;
        expect(body(&reply.payload), REPLY_BYTES[at])?;
        if at < 3 {
            send(at + 1).await.map_err(|error| error.to_string())?;
        }
    }
    drop(requests);
    expect(replies.message().await.map_err(failed)?.is_none(), true)
}

async fn empty_stream(client: &mut Client) -> Outcome {
    let replies = client.full_duplex_call(tokio_stream::empty()).await.map_err(failed)?;
    expect(sizes(replies.into_inner()).await.map_err(failed)?, vec![])
}

fn with_metadata<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert(ECHO_INITIAL, "test_initial_metadata_value".parse().unwrap());
    request.metadata_mut().insert_bin(ECHO_TRAILING, MetadataValue::from_bytes(b"\xab\xab\xab"));
    request
}

fn expect_trailer(metadata: &MetadataMap) -> Outcome {
    let value = metadata.get_bin(ECHO_TRAILING).and_then(|value| value.to_bytes().ok());
    expect(value.as_deref(), Some(&b"\xab\xab\xab"[..]))
}

async fn custom_metadata(client: &mut Client) -> Outcome {
    let initial = |metadata: &MetadataMap| metadata.get(ECHO_INITIAL).map(|value| value.to_str().unwrap().to_string());
    let echoed = Some("test_initial_metadata_value".to_string());
    // Of a unary call tonic tells both kinds of metadata in one.
    let reply = client.unary_call(with_metadata(large())).await.map_err(failed)?;
    expect(initial(reply.metadata()), echoed.clone())?;
    expect_trailer(reply.metadata())?;
    let requests = with_metadata(tokio_stream::iter([output(&[314159], 271828)]));
    let reply = client.full_duplex_call(requests).await.map_err(failed)?;
    expect(initial(reply.metadata()), echoed)?;
    let mut replies = reply.into_inner();
    while replies.message().await.map_err(failed)?.is_some() {}
    expect_trailer(&replies.trailers().await.map_err(failed)?.unwrap_or_default())
}

async fn status_code_and_message(client: &mut Client) -> Outcome {
    let response_status = Some(EchoStatus { code: 2, message: "test status message".to_string() });
    let request = SimpleRequest { response_status: response_status.clone(), ..Default::default() };
    expect_error(client.unary_call(request).await, Code::Unknown, Some("test status message"))?;
    let request = StreamingOutputCallRequest { response_status, ..Default::default() };
    let result = match client.full_duplex_call(tokio_stream::iter([request])).await {
        Ok(reply) => sizes(reply.into_inner()).await,
        Err(status) => Err(status),
    };
    expect_error(result, Code::Unknown, Some("test status message"))
}

async fn special_status_message(client: &mut Client) -> Outcome {
    let response_status = Some(EchoStatus { code: 2, message: SPECIAL.to_string() });
    let request = SimpleRequest { response_status, ..Default::default() };
    expect_error(client.unary_call(request).await, Code::Unknown, Some(SPECIAL))
}

/// tonic cancels a call when what waits for it is dropped, and then has no status to tell; what can be seen is that it lets
/// go of the requests and that the connection goes on.
async fn cancel_after_begin(client: &mut Client) -> Outcome {
    let (requests, receiver) = tokio::sync::mpsc::channel::<StreamingInputCallRequest>(1);
    let call = client.streaming_input_call(ReceiverStream::new(receiver));
    expect(tokio::time::timeout(Duration::from_millis(50), call).await.is_err(), true)?;
    requests.closed().await;
    client.empty_call(Empty {}).await.map(drop).map_err(failed)
}

/// What cancels it is that both ends are dropped: RST_STREAM(CANCEL). hyper keeps the stream while there may be requests.
async fn cancel_after_first_response(client: &mut Client) -> Outcome {
    let (requests, receiver) = tokio::sync::mpsc::channel(1);
    requests.send(output(&[31415], 27182)).await.map_err(|error| error.to_string())?;
    let mut replies = client.full_duplex_call(ReceiverStream::new(receiver)).await.map_err(failed)?.into_inner();
    expect(body(&replies.message().await.map_err(failed)?.ok_or("no reply")?.payload), 31415)?;
    drop(replies);
    drop(requests);
    client.empty_call(Empty {}).await.map(drop).map_err(failed)
}

/// Whether what is under it is the peer's RST_STREAM(CANCEL): h2's error says so when it is printed.
fn reset_by_peer(status: &Status) -> bool {
    let mut cause = std::error::Error::source(status);
    while let Some(error) = cause {
        if format!("{error:?}").contains("CANCEL, Remote") {
            return true;
        }
        cause = error.source();
    }
    false
}

async fn timeout_on_sleeping_server(client: &mut Client) -> Outcome {
    let (requests, receiver) = tokio::sync::mpsc::channel(1);
    requests.send(output(&[], 27182)).await.map_err(|error| error.to_string())?;
    let mut request = Request::new(ReceiverStream::new(receiver));
    request.set_timeout(Duration::from_millis(1));
    let result = match client.full_duplex_call(request).await {
        Ok(reply) => sizes(reply.into_inner()).await,
        Err(status) => Err(status),
    };
    // Of an expired deadline tonic's channel says CANCELLED: by its own clock with these words, and when the server's clock is
    // first, because of its RST_STREAM(CANCEL).
    match result {
        Err(status) if status.code() == Code::Cancelled && status.message() == "Timeout expired" => Ok(()),
        Err(status) if status.code() == Code::Cancelled => expect(reset_by_peer(&status), true),
        other => expect_error(other, Code::DeadlineExceeded, None),
    }
}

async fn concurrent_large_unary(client: &mut Client) -> Outcome {
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..CONCURRENT_CALLS {
        let mut client = client.clone();
        calls.spawn(async move { large_unary(&mut client).await });
    }
    while let Some(outcome) = calls.join_next().await {
        outcome.map_err(|error| error.to_string())??;
    }
    Ok(())
}

async fn channel_soak(flags: &HashMap<String, String>) -> Outcome {
    for _ in 0..10 {
        let channel = connect(flags).await.map_err(|error| error.to_string())?;
        large_unary(&mut TestServiceClient::new(Observed { channel, flags: Flags::default() })).await?;
    }
    Ok(())
}

async fn run(name: &str, flags: &HashMap<String, String>) -> Outcome {
    let channel = connect(flags).await.map_err(|error| error.to_string())?;
    let compressed = Flags::default();
    let observed = Observed { channel: channel.clone(), flags: compressed.clone() };
    let client = &mut TestServiceClient::new(observed).accept_compressed(Gzip);
    match name {
        "empty_unary" => client.empty_call(Empty {}).await.map(drop).map_err(failed),
        "large_unary" => large_unary(client).await,
        "client_streaming" => client_streaming(client).await,
        "server_streaming" => server_streaming(client).await,
        "client_compressed_unary" => client_compressed_unary(client).await,
        "server_compressed_unary" => server_compressed_unary(client, &compressed).await,
        "server_compressed_streaming" => server_compressed_streaming(client, &compressed).await,
        "ping_pong" => ping_pong(client).await,
        "empty_stream" => empty_stream(client).await,
        "custom_metadata" => custom_metadata(client).await,
        "status_code_and_message" => status_code_and_message(client).await,
        "special_status_message" => special_status_message(client).await,
        "unimplemented_method" => expect_error(client.unimplemented_call(Empty {}).await, Code::Unimplemented, None),
        "unimplemented_service" => {
            let mut other = UnimplementedServiceClient::new(channel);
            expect_error(other.unimplemented_call(Empty {}).await, Code::Unimplemented, None)
        }
        "cancel_after_begin" => cancel_after_begin(client).await,
        "cancel_after_first_response" => cancel_after_first_response(client).await,
        "timeout_on_sleeping_server" => timeout_on_sleeping_server(client).await,
        "rpc_soak" => {
            for _ in 0..10 {
                large_unary(client).await?;
            }
            Ok(())
        }
        "channel_soak" => channel_soak(flags).await,
        "concurrent_large_unary" => concurrent_large_unary(client).await,
        _ => Err("no such case".to_string()),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let (flags, cases) = arguments();
    let mut all = true;
    for name in cases {
        let outcome = tokio::time::timeout(Duration::from_secs(60), run(&name, &flags)).await;
        match outcome.unwrap_or_else(|_| Err("not done in 60 s".to_string())) {
            Ok(()) => println!("ok    {name}"),
            Err(why) => {
                all = false;
                println!("FAIL  {name}  {}", why.replace('\n', " "));
            }
        }
    }
    std::process::exit(i32::from(!all));
}
