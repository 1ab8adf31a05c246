//! tonic as a peer: the same echo.proto, served as its documentation shows it. On one thread, because bench/run gives the
//! server one core.
//!   tonic-echo HOST:PORT [CERTIFICATE KEY]      TLS with these files (PEM)
//! $ECHO_DELAY_MS: so long it keeps each call.
use echo::{echo_server::*, *};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tonic::{
    transport::{Identity, Server, ServerTlsConfig},
    Request, Response, Status, Streaming,
};

mod echo {
    tonic::include_proto!("saker.echo.v1");
}

type Never<T> = tonic::codegen::BoxStream<T>;

struct Service {
    delay: Duration,
}

#[tonic::async_trait]
impl Echo for Service {
    type EchoStreamStream = Never<EchoReply>;
    type EchoExpandStream = Never<EchoReply>;

    async fn echo(&self, request: Request<EchoRequest>) -> Result<Response<EchoReply>, Status> {
        let start = Instant::now();
        let received = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_nanos() as u64);
        if !self.delay.is_zero() {
            tokio::time::sleep(self.delay).await;
        }
        let request = request.into_inner();
        let mut reply = EchoReply {
            payload: request.payload,
            client_send_time_ns: request.client_send_time_ns,
            sequence: request.sequence,
            server_receive_time_ns: received,
            ..Default::default()
        };
        reply.processing_ns = start.elapsed().as_nanos() as u64;
        reply.server_send_time_ns = received + reply.processing_ns;
        Ok(Response::new(reply))
    }

    async fn echo_stream(&self, _: Request<Streaming<EchoRequest>>) -> Result<Response<Never<EchoReply>>, Status> {
        Err(Status::unimplemented("only Echo is measured"))
    }
    async fn echo_collect(&self, _: Request<Streaming<EchoRequest>>) -> Result<Response<EchoCollectReply>, Status> {
        Err(Status::unimplemented("only Echo is measured"))
    }
    async fn echo_expand(&self, _: Request<EchoRequest>) -> Result<Response<Never<EchoReply>>, Status> {
        Err(Status::unimplemented("only Echo is measured"))
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let words: Vec<String> = std::env::args().collect();
    let address = words.get(1).ok_or("usage: tonic-echo HOST:PORT [CERTIFICATE KEY]")?;
    let delay = std::env::var("ECHO_DELAY_MS").ok().and_then(|text| text.parse().ok()).unwrap_or(0);
    let delay = Duration::from_millis(delay);
    let mut server = Server::builder();
    if let [_, _, certificate, key] = &words[..] {
        let identity = Identity::from_pem(std::fs::read(certificate)?, std::fs::read(key)?);
        server = server.tls_config(ServerTlsConfig::new().identity(identity))?;
    }
    let listener = tonic::transport::server::TcpIncoming::bind(address.parse()?)?.with_nodelay(Some(true));
    println!("listening on {address}");
    server.add_service(EchoServer::new(Service { delay })).serve_with_incoming(listener).await?;
    Ok(())
}
