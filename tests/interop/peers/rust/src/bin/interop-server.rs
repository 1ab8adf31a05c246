//! TestService by tonic, stock.
//!   interop-server --listen host:port|unix:/path [--cert FILE --key FILE]
use interop_peer::testing::{test_service_server::*, *};
use interop_peer::{arguments, payload, ECHO_INITIAL, ECHO_TRAILING};
use std::{pin::Pin, time::Duration};
use tokio_stream::{wrappers::ReceiverStream, Stream, StreamExt};
use tonic::codec::CompressionEncoding::Gzip;
use tonic::metadata::MetadataMap;
use tonic::transport::{Identity, Server, ServerTlsConfig};
use tonic::{Code, Request, Response, Status, Streaming};

type Replies = Pin<Box<dyn Stream<Item = Result<StreamingOutputCallResponse, Status>> + Send>>;

struct Service;

fn echo_initial<T>(metadata: &MetadataMap, mut response: Response<T>) -> Response<T> {
    if let Some(value) = metadata.get(ECHO_INITIAL) {
        response.metadata_mut().insert(ECHO_INITIAL, value.clone());
    }
    response
}

fn asked_status(status: &Option<EchoStatus>) -> Result<(), Status> {
    match status {
        Some(asked) if asked.code != 0 => Err(Status::new(Code::from(asked.code), asked.message.clone())),
        _ => Ok(()),
    }
}

/// The replies to each request, as it comes.
fn answer(mut requests: impl Stream<Item = Result<StreamingOutputCallRequest, Status>> + Send + Unpin + 'static) -> Replies {
    let (replies, receiver) = tokio::sync::mpsc::channel(4);
    tokio::spawn(async move {
        while let Some(request) = requests.next().await {
            let request = match request {
                Ok(request) => request,
                Err(_) => return,
            };
            if let Err(status) = asked_status(&request.response_status) {
                let _ = replies.send(Err(status)).await;
                return;
            }
            for parameters in request.response_parameters {
                tokio::time::sleep(Duration::from_micros(parameters.interval_us.max(0) as u64)).await;
                let reply = StreamingOutputCallResponse { payload: payload(parameters.size) };
                if replies.send(Ok(reply)).await.is_err() {
                    return;
                }
            }
        }
    });
    Box::pin(ReceiverStream::new(receiver))
}

#[tonic::async_trait]
impl TestService for Service {
    type StreamingOutputCallStream = Replies;
    type FullDuplexCallStream = Replies;
    type HalfDuplexCallStream = Replies;

    async fn empty_call(&self, request: Request<Empty>) -> Result<Response<Empty>, Status> {
        Ok(echo_initial(request.metadata(), Response::new(Empty {})))
    }

    async fn unary_call(&self, request: Request<SimpleRequest>) -> Result<Response<SimpleResponse>, Status> {
        let asked = request.get_ref();
        asked_status(&asked.response_status)?;
        let reply = SimpleResponse { payload: payload(asked.response_size), ..Default::default() };
        let mut response = Response::new(reply);
        if !asked.response_compressed.is_some_and(|asked| asked.value) {
            response.disable_compression();
        }
        Ok(echo_initial(request.metadata(), response))
    }

    async fn cacheable_unary_call(&self, request: Request<SimpleRequest>) -> Result<Response<SimpleResponse>, Status> {
        self.unary_call(request).await
    }

    async fn streaming_output_call(
        &self,
        request: Request<StreamingOutputCallRequest>,
    ) -> Result<Response<Replies>, Status> {
        let metadata = request.metadata().clone();
        let once = tokio_stream::once(Ok(request.into_inner()));
        Ok(echo_initial(&metadata, Response::new(answer(once))))
    }

    async fn streaming_input_call(
        &self,
        request: Request<Streaming<StreamingInputCallRequest>>,
    ) -> Result<Response<StreamingInputCallResponse>, Status> {
        let mut requests = request.into_inner();
        let mut total = 0;
        while let Some(request) = requests.message().await? {
            total += request.payload.map_or(0, |payload| payload.body.len() as i32);
        }
        Ok(Response::new(StreamingInputCallResponse { aggregated_payload_size: total }))
    }

    async fn full_duplex_call(
        &self,
        request: Request<Streaming<StreamingOutputCallRequest>>,
    ) -> Result<Response<Replies>, Status> {
        let metadata = request.metadata().clone();
        Ok(echo_initial(&metadata, Response::new(answer(request.into_inner()))))
    }

    async fn half_duplex_call(
        &self,
        request: Request<Streaming<StreamingOutputCallRequest>>,
    ) -> Result<Response<Replies>, Status> {
        let mut requests = request.into_inner();
        let mut all = Vec::new();
        while let Some(request) = requests.message().await? {
            all.push(Ok(request));
        }
        Ok(Response::new(answer(tokio_stream::iter(all))))
    }

    async fn unimplemented_call(&self, _: Request<Empty>) -> Result<Response<Empty>, Status> {
        Err(Status::unimplemented(""))
    }
}

/// tonic's handlers have no say in the trailers of a call that succeeds: this layer, as in tonic's own interoperability server,
/// adds what is to be echoed.
mod trailers {
    use super::ECHO_TRAILING;
    use http_body::{Body, Frame, SizeHint};
    use std::{future::Future, pin::Pin, task::{ready, Context, Poll}};
    use tonic::codegen::http::{HeaderValue, Request, Response};

    #[derive(Clone)]
    pub struct Echo<S>(pub S);

    impl<S, B, R> tower_service::Service<Request<B>> for Echo<S>
    where
        S: tower_service::Service<Request<B>, Response = Response<R>>,
        S::Future: Send + 'static,
    {
        type Response = Response<Echoing<R>>;
        type Error = S::Error;
        type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

        fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
            self.0.poll_ready(context)
        }
        fn call(&mut self, request: Request<B>) -> Self::Future {
            let value = request.headers().get(ECHO_TRAILING).cloned();
            let call = self.0.call(request);
            Box::pin(async move { Ok(call.await?.map(|inner| Echoing { inner: Box::pin(inner), value })) })
        }
    }

    pub struct Echoing<B> {
        inner: Pin<Box<B>>,
        value: Option<HeaderValue>,
    }

    impl<B: Body> Body for Echoing<B> {
        type Data = B::Data;
        type Error = B::Error;
        fn poll_frame(
            mut self: Pin<&mut Self>,
            context: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
            let frame = ready!(self.inner.as_mut().poll_frame(context));
            Poll::Ready(frame.map(|frame| {
                frame.map(|mut frame| {
                    if let (Some(trailers), Some(value)) = (frame.trailers_mut(), &self.value) {
                        trailers.insert(ECHO_TRAILING, value.clone());
                    }
                    frame
                })
            }))
        }
        fn is_end_stream(&self) -> bool {
            self.inner.is_end_stream()
        }
        fn size_hint(&self) -> SizeHint {
            self.inner.size_hint()
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (flags, _) = arguments();
    let address = &flags["listen"];
    let mut server = Server::builder();
    if let Some(cert) = flags.get("cert") {
        let identity = Identity::from_pem(std::fs::read(cert)?, std::fs::read(&flags["key"])?);
        server = server.tls_config(ServerTlsConfig::new().identity(identity))?;
    }
    let service = TestServiceServer::new(Service).accept_compressed(Gzip).send_compressed(Gzip);
    let router = server.layer(tower_layer::layer_fn(trailers::Echo)).add_service(service);
    println!("listening on {address}");
    match address.strip_prefix("unix:") {
        Some(path) => {
            let listener = tokio::net::UnixListener::bind(path)?;
            router.serve_with_incoming(tokio_stream::wrappers::UnixListenerStream::new(listener)).await?
        }
        None => router.serve(address.parse()?).await?,
    }
    Ok(())
}
