//! pajamax as a peer: the same echo.proto, in the mode that its documentation calls local: one thread a connection. It knows
//! no streams, no metadata, no deadlines and no TLS. Its generator knows only the release before this one, which takes no
//! two calls at once from h2load: what it would generate is written here.
//!   pajamax-echo HOST:PORT
use echo::{EchoReply, EchoRequest};
use prost::Message;
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

#[allow(dead_code)] // the messages of the methods that it does not have
mod echo {
    include!(concat!(env!("OUT_DIR"), "/saker.echo.v1.rs"));
}

fn answer(request: EchoRequest) -> EchoReply {
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
    reply
}

struct Service;

impl pajamax::PajamaxService for Service {
    fn is_dispatch_mode(&self) -> bool {
        false
    }
    fn route(&self, path: &[u8]) -> Option<usize> {
        (path == b"/saker.echo.v1.Echo/Echo").then_some(0)
    }
    fn handle(&self, _: usize, request: &[u8], stream_id: u32) -> Result<(), pajamax::error::Error> {
        pajamax::local_build_response(stream_id, Ok(answer(EchoRequest::decode(request)?)))
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
    pajamax::Config::new().add_service(Service).serve(address)?;
    Ok(())
}
