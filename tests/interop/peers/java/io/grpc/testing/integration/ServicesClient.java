package io.grpc.testing.integration;

import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.StatusRuntimeException;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse;
import io.grpc.health.v1.HealthGrpc;
import io.grpc.reflection.v1.ServerReflectionGrpc;
import io.grpc.reflection.v1.ServerReflectionRequest;
import io.grpc.reflection.v1.ServerReflectionResponse;
import io.grpc.stub.StreamObserver;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/**
 * Health and reflection by grpc-java's own io.grpc:grpc-services. Arguments: the target, a service that the server has. Prints
 * lines of NAME VALUE...
 */
public final class ServicesClient {
  private static final int DEADLINE_S = 60;

  public static void main(String[] words) throws Exception {
    ManagedChannel channel = Grpc.newChannelBuilder(words[0], InsecureChannelCredentials.create()).build();
    System.out.println("check " + check(channel, ""));
    System.out.println("check-service " + check(channel, words[1]));
    System.out.println("check-unknown " + check(channel, "nobody.Knows"));
    HealthCheckRequest request = HealthCheckRequest.newBuilder().setService(words[1]).build();
    System.out.println("watch " + health(channel).watch(request).next().getStatus());
    System.out.println("list " + String.join(" ", services(channel)));
    System.out.println("list-v1alpha " + String.join(" ", servicesOfAlpha(channel)));
    channel.shutdownNow();
    System.out.println("watched-channel " + checkOfWatchedChannel(words[0], words[1]));
  }

  private static HealthGrpc.HealthBlockingStub health(ManagedChannel channel) {
    return HealthGrpc.newBlockingStub(channel).withDeadlineAfter(DEADLINE_S, TimeUnit.SECONDS);
  }

  private static String check(ManagedChannel channel, String service) {
    try {
      HealthCheckResponse reply = health(channel).check(HealthCheckRequest.newBuilder().setService(service).build());
      return reply.getStatus().name();
    } catch (StatusRuntimeException error) {
      return error.getStatus().getCode().name();
    }
  }

  /** The channel's own watching of the server's health: its calls wait until that service is SERVING. */
  private static String checkOfWatchedChannel(String target, String service) {
    Map<String, ?> config = Map.of(
        "loadBalancingConfig", List.of(Map.of("round_robin", Map.of())),
        "healthCheckConfig", Map.of("serviceName", service));
    ManagedChannelBuilder<?> builder = Grpc.newChannelBuilder(target, InsecureChannelCredentials.create());
    ManagedChannel channel = builder.defaultServiceConfig(config).build();
    try {
      return check(channel, service);
    } finally {
      channel.shutdownNow();
    }
  }

  private static List<String> services(ManagedChannel channel) throws Exception {
    First<ServerReflectionResponse> first = new First<>();
    StreamObserver<ServerReflectionRequest> requests = ServerReflectionGrpc.newStub(channel).serverReflectionInfo(first);
    requests.onNext(ServerReflectionRequest.newBuilder().setListServices("").build());
    requests.onCompleted();
    ServerReflectionResponse reply = first.get();
    return reply.getListServicesResponse().getServiceList().stream().map(service -> service.getName()).toList();
  }

  private static List<String> servicesOfAlpha(ManagedChannel channel) throws Exception {
    First<io.grpc.reflection.v1alpha.ServerReflectionResponse> first = new First<>();
    StreamObserver<io.grpc.reflection.v1alpha.ServerReflectionRequest> requests =
        io.grpc.reflection.v1alpha.ServerReflectionGrpc.newStub(channel).serverReflectionInfo(first);
    requests.onNext(io.grpc.reflection.v1alpha.ServerReflectionRequest.newBuilder().setListServices("").build());
    requests.onCompleted();
    io.grpc.reflection.v1alpha.ServerReflectionResponse reply = first.get();
    return reply.getListServicesResponse().getServiceList().stream().map(service -> service.getName()).toList();
  }

  /** The first reply of a stream. */
  private static final class First<T> implements StreamObserver<T> {
    private final CompletableFuture<T> reply = new CompletableFuture<>();

    T get() throws Exception {
      return reply.get(DEADLINE_S, TimeUnit.SECONDS);
    }

    @Override
    public void onNext(T message) {
      reply.complete(message);
    }

    @Override
    public void onError(Throwable error) {
      reply.completeExceptionally(error);
    }

    @Override
    public void onCompleted() {
      reply.completeExceptionally(new IllegalStateException("no reply"));
    }
  }

  private ServicesClient() {}
}
