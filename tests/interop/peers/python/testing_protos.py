"""The modules generated from proto/grpc/testing: they call themselves grpc.testing, beside grpcio's own package grpc."""

import os

import grpc

grpc.__path__.append(os.path.join(os.environ["INTEROP_GENERATED"], "grpc"))

from grpc.testing import empty_pb2, messages_pb2, test_pb2_grpc  # noqa: E402

__all__ = ["empty_pb2", "messages_pb2", "test_pb2_grpc"]
