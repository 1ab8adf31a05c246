//! pajamax as a peer: the same echo.proto, in the mode that its documentation calls local: one thread a connection. It knows
//! no streams, no metadata and no deadlines.
//!   pajamax-echo HOST:PORT
use echo::*;
use pajamax::status::{Code, Status};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

mod echo {
    pajamax::include_proto!("saker.echo.v1");
}

struct Service;

fn only_echo<T>() -> pajamax::Response<T> {
    Err(Status { code: Code::Unimplemented, message: "only Echo is measured".to_string() })
}

impl Echo for Service {
    fn echo(&self, request: EchoRequest) -> pajamax::Response<EchoReply> {
        let start = Instant::now();
        let received = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_nanos() as u64);
        let mut reply = EchoReply {
            payload: request.payload,
            client_send_time_ns: request.client_send_time_ns,
            sequence: request.sequence,
            server_receive_time_ns: received,
            ..Default::default()
        };
        reply.processing_ns = start.elapsed().as_nanos() as u64;
        reply.server_send_time_ns = received + reply.processing_ns;
        Ok(reply)
    }
    fn echo_stream(&self, _: EchoRequest) -> pajamax::Response<EchoReply> {
        only_echo()
    }
    fn echo_collect(&self, _: EchoRequest) -> pajamax::Response<EchoCollectReply> {
        only_echo()
    }
    fn echo_expand(&self, _: EchoRequest) -> pajamax::Response<EchoReply> {
        only_echo()
    }
}

/// It binds and serves in one call: that it listens is seen from outside.
fn announce(address: SocketAddr) {
    while TcpStream::connect(address).is_err() {
        std::thread::sleep(Duration::from_millis(5));
    }
    println!("listening on {address}");
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address: SocketAddr = std::env::args().nth(1).ok_or("usage: pajamax-echo HOST:PORT")?.parse()?;
    std::thread::spawn(move || announce(address));
    pajamax::Config::new().add_service(EchoServer::new(Service)).serve(address)?;
    Ok(())
}
