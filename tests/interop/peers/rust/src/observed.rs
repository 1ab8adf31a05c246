//! A channel that notes of each message it receives whether the compressed flag is set, which tonic does not tell.
use http_body::{Frame, SizeHint};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{ready, Context, Poll};
use tonic::body::Body;
use tonic::codegen::http::{Request, Response};
use tonic::codegen::Bytes;
use tonic::{transport::Channel, Status};

/// By message, in the order they came.
pub type Flags = Arc<Mutex<Vec<bool>>>;

const PREFIX_BYTES: usize = 5;

#[derive(Clone)]
pub struct Observed {
    pub channel: Channel,
    pub flags: Flags,
}

impl tower_service::Service<Request<Body>> for Observed {
    type Response = Response<Body>;
    type Error = tonic::transport::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.channel.poll_ready(context)
    }
    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let flags = self.flags.clone();
        let call = self.channel.call(request);
        Box::pin(async move {
            Ok(call.await?.map(|inner| Body::new(Messages { inner, flags, prefix: Vec::new(), left: 0 })))
        })
    }
}

struct Messages {
    inner: Body,
    flags: Flags,
    prefix: Vec<u8>,
    left: usize, // of the message whose prefix has been read
}

impl Messages {
    fn read(&mut self, mut data: &[u8]) {
        while !data.is_empty() {
            let skipped = self.left.min(data.len());
            self.left -= skipped;
            data = &data[skipped..];
            let wanted = (PREFIX_BYTES - self.prefix.len()).min(data.len());
            self.prefix.extend_from_slice(&data[..wanted]);
            data = &data[wanted..];
            if let [flag, a, b, c, d] = self.prefix[..] {
                self.flags.lock().unwrap().push(flag == 1);
                self.left = u32::from_be_bytes([a, b, c, d]) as usize;
                self.prefix.clear();
            }
        }
    }
}

impl http_body::Body for Messages {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(context));
        if let Some(data) = frame.as_ref().and_then(|frame| frame.as_ref().ok()).and_then(Frame::data_ref) {
            self.read(data);
        }
        Poll::Ready(frame)
    }
    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }
    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
