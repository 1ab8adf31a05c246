package io.grpc.testing.integration;

import com.google.common.util.concurrent.ListenableFuture;
import com.google.protobuf.ByteString;
import io.grpc.ChannelCredentials;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.TlsChannelCredentials;
import io.grpc.testing.TlsTesting;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * grpc-java's own cases, AbstractInteropTest's and SoakClient's, on any target, Unix sockets among them: its own
 * TestServiceClient makes its channels with the channel type of TCP. And the retired case that it does not have.
 */
final class TargetTester extends AbstractInteropTest {
  private static final int SOAK_ITERATIONS = 10;
  private static final int SOAK_LATENCY_MS = 10000;
  private static final int SOAK_TIMEOUT_S = 60;
  private static final int CONCURRENT_CALLS = 100;
  private static final int DEADLINE_S = 60;
  private static final int REQUEST_BYTES = 271828;
  private static final int REPLY_BYTES = 314159;

  private final String target;
  private final String authority; // null: without TLS

  TargetTester(String target, String authority) {
    this.target = target;
    this.authority = authority;
  }

  void run(String name) throws Exception {
    setUp();
    try {
      runCase(name);
    } finally {
      tearDown();
    }
  }

  private void runCase(String name) throws Exception {
    if (name.equals("concurrent_large_unary")) {
      concurrentLargeUnary();
      return;
    }
    switch (TestCases.fromString(name)) {
      case EMPTY_UNARY -> emptyUnary();
      case LARGE_UNARY -> largeUnary();
      case CLIENT_COMPRESSED_UNARY -> clientCompressedUnary(true);
      case SERVER_COMPRESSED_UNARY -> serverCompressedUnary();
      case CLIENT_STREAMING -> clientStreaming();
      case CLIENT_COMPRESSED_STREAMING -> clientCompressedStreaming(true);
      case SERVER_STREAMING -> serverStreaming();
      case SERVER_COMPRESSED_STREAMING -> serverCompressedStreaming();
      case PING_PONG -> pingPong();
      case EMPTY_STREAM -> emptyStream();
      case CUSTOM_METADATA -> customMetadata();
      case STATUS_CODE_AND_MESSAGE -> statusCodeAndMessage();
      case SPECIAL_STATUS_MESSAGE -> specialStatusMessage();
      case UNIMPLEMENTED_METHOD -> unimplementedMethod();
      case UNIMPLEMENTED_SERVICE -> unimplementedService();
      case CANCEL_AFTER_BEGIN -> cancelAfterBegin();
      case CANCEL_AFTER_FIRST_RESPONSE -> cancelAfterFirstResponse();
      case TIMEOUT_ON_SLEEPING_SERVER -> timeoutOnSleepingServer();
      case RPC_SOAK -> soak(same -> {}, false);
      case CHANNEL_SOAK -> soak(ManagedChannel::shutdownNow, true);
      default -> throw new IllegalArgumentException("no such case");
    }
  }

  private void concurrentLargeUnary() throws Exception {
    Messages.SimpleRequest request = Messages.SimpleRequest.newBuilder()
        .setResponseSize(REPLY_BYTES)
        .setPayload(Messages.Payload.newBuilder().setBody(ByteString.copyFrom(new byte[REQUEST_BYTES])))
        .build();
    List<ListenableFuture<Messages.SimpleResponse>> calls = new ArrayList<>();
    for (int at = 0; at < CONCURRENT_CALLS; at++) {
      calls.add(TestServiceGrpc.newFutureStub(channel).withDeadlineAfter(DEADLINE_S, TimeUnit.SECONDS).unaryCall(request));
    }
    for (ListenableFuture<Messages.SimpleResponse> call : calls) {
      int bytes = call.get().getPayload().getBody().size();
      if (bytes != REPLY_BYTES) {
        throw new AssertionError(bytes + " bytes, not " + REPLY_BYTES);
      }
    }
  }

  private void soak(Consumer<ManagedChannel> end, boolean renew) throws InterruptedException {
    SoakClient.performSoakTest(target, SOAK_ITERATIONS, 0, SOAK_LATENCY_MS, 0, SOAK_TIMEOUT_S, REQUEST_BYTES, REPLY_BYTES, 1,
        createChannel(), used -> {
          end.accept(used);
          return renew ? createChannel() : used;
        });
  }

  @Override
  protected ManagedChannelBuilder<?> createChannelBuilder() {
    ManagedChannelBuilder<?> builder = Grpc.newChannelBuilder(target, credentials()).maxInboundMessageSize(MAX_MESSAGE_SIZE);
    return authority == null ? builder : builder.overrideAuthority(authority);
  }

  private ChannelCredentials credentials() {
    if (authority == null) {
      return InsecureChannelCredentials.create();
    }
    try {
      return TlsChannelCredentials.newBuilder().trustManager(TlsTesting.loadCert("ca.pem")).build();
    } catch (Exception error) {
      throw new IllegalStateException(error);
    }
  }

  /** Of the server too, which is not in this process. */
  @Override
  protected boolean metricsExpected() {
    return false;
  }

  @Override
  protected int operationTimeoutMillis() {
    return 15000;
  }
}
