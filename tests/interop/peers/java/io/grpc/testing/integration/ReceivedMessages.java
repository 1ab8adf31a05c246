package io.grpc.testing.integration;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.ClientStreamTracer;
import io.grpc.InternalConfigurator;
import io.grpc.InternalConfiguratorRegistry;
import io.grpc.ManagedChannelBuilder;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import java.util.ArrayList;
import java.util.List;

/** Which messages came compressed, in all channels of this process: the official cases look at sizes only. */
final class ReceivedMessages extends ClientStreamTracer.Factory implements ClientInterceptor, InternalConfigurator {
  private final List<Boolean> compressed = new ArrayList<>();

  void observe() {
    InternalConfiguratorRegistry.setConfigurators(List.of(this));
  }

  synchronized List<Boolean> take() {
    List<Boolean> taken = List.copyOf(compressed);
    compressed.clear();
    return taken;
  }

  private synchronized void add(boolean wasCompressed) {
    compressed.add(wasCompressed);
  }

  @Override
  public void configureChannelBuilder(ManagedChannelBuilder<?> builder) {
    builder.intercept(this);
  }

  @Override
  public <Q, R> ClientCall<Q, R> interceptCall(MethodDescriptor<Q, R> method, CallOptions options, Channel next) {
    return next.newCall(method, options.withStreamTracerFactory(this));
  }

  @Override
  public ClientStreamTracer newClientStreamTracer(ClientStreamTracer.StreamInfo info, Metadata headers) {
    return new ClientStreamTracer() {
      /** Of a message with the compressed flag the size after decompression is not known here: -1. */
      @Override
      public void inboundMessageRead(int sequence, long wireBytes, long bytes) {
        add(bytes < 0);
      }
    };
  }
}
