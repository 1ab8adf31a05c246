"""TestService by grpcio, stock: what its API lets a server see of gRPC's interoperability tests."""

import argparse
import concurrent.futures
import time

import grpc
from testing_protos import empty_pb2, messages_pb2, test_pb2_grpc

ECHO_INITIAL = "x-grpc-test-echo-initial"
ECHO_TRAILING = "x-grpc-test-echo-trailing-bin"


def echo_metadata(context: grpc.ServicerContext) -> None:
    for name, value in context.invocation_metadata():
        if name == ECHO_INITIAL:
            context.send_initial_metadata([(name, value)])
        elif name == ECHO_TRAILING:
            context.set_trailing_metadata([(name, value)])


def _code(number: int) -> grpc.StatusCode:
    return next(code for code in grpc.StatusCode if code.value[0] == number)


def end_as_asked(request, context: grpc.ServicerContext) -> bool:
    if not request.response_status.code:
        return False
    context.set_code(_code(request.response_status.code))
    context.set_details(request.response_status.message)
    return True


def payload(size: int) -> messages_pb2.Payload:
    return messages_pb2.Payload(body=bytes(size))


class TestService(test_pb2_grpc.TestServiceServicer):
    def EmptyCall(self, request, context):
        echo_metadata(context)
        return empty_pb2.Empty()

    def UnaryCall(self, request, context):
        if request.response_compressed.value:
            context.set_compression(grpc.Compression.Gzip)
        else:
            context.disable_next_message_compression()
        echo_metadata(context)
        end_as_asked(request, context)
        return messages_pb2.SimpleResponse(payload=payload(request.response_size))

    def StreamingOutputCall(self, request, context):
        if any(each.compressed.value for each in request.response_parameters):
            context.set_compression(grpc.Compression.Gzip)
        echo_metadata(context)
        yield from self.replies(request, context)

    def StreamingInputCall(self, request_iterator, context):
        echo_metadata(context)
        total = sum(len(request.payload.body) for request in request_iterator)
        return messages_pb2.StreamingInputCallResponse(aggregated_payload_size=total)

    def FullDuplexCall(self, request_iterator, context):
        echo_metadata(context)
        for request in request_iterator:
            if end_as_asked(request, context):
                return
            yield from self.replies(request, context)

    def HalfDuplexCall(self, request_iterator, context):
        echo_metadata(context)
        for request in list(request_iterator):
            yield from self.replies(request, context)

    @staticmethod
    def replies(request, context):
        for parameters in request.response_parameters:
            time.sleep(parameters.interval_us / 1e6)
            if not parameters.compressed.value:
                context.disable_next_message_compression()
            yield messages_pb2.StreamingOutputCallResponse(payload=payload(parameters.size))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--listen", required=True, help="host:port or unix:/path")
    parser.add_argument("--cert", help="TLS: certificate chain, PEM")
    parser.add_argument("--key", help="TLS: private key, PEM")
    arguments = parser.parse_args()
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(max_workers=16))
    test_pb2_grpc.add_TestServiceServicer_to_server(TestService(), server)
    if arguments.cert:
        with open(arguments.key, "rb") as key, open(arguments.cert, "rb") as cert:
            identity = grpc.ssl_server_credentials([(key.read(), cert.read())])
        server.add_secure_port(arguments.listen, identity)
    else:
        server.add_insecure_port(arguments.listen)
    server.start()
    print("listening on", arguments.listen, flush=True)
    server.wait_for_termination()


if __name__ == "__main__":
    main()
