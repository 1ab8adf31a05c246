package io.grpc.testing.integration;

import io.grpc.InsecureServerCredentials;
import io.grpc.Server;
import io.grpc.ServerCredentials;
import io.grpc.ServerInterceptors;
import io.grpc.TlsServerCredentials;
import io.grpc.netty.NettyServerBuilder;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerDomainSocketChannel;
import io.netty.channel.unix.DomainSocketAddress;
import java.io.File;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;

/**
 * grpc-java's own TestServiceImpl on a Unix socket; its own TestServiceServer takes nothing but a port.
 * Arguments: the socket's path; with TLS, the certificate's file and its key's.
 */
public final class UnixServer {
  public static void main(String[] words) throws Exception {
    ServerCredentials credentials = words.length == 3
        ? TlsServerCredentials.create(new File(words[1]), new File(words[2]))
        : InsecureServerCredentials.create();
    ScheduledExecutorService executor = Executors.newSingleThreadScheduledExecutor();
    EventLoopGroup loops = new MultiThreadIoEventLoopGroup(2, EpollIoHandler.newFactory());
    Server server = NettyServerBuilder.forAddress(new DomainSocketAddress(words[0]), credentials)
        .channelType(EpollServerDomainSocketChannel.class)
        .bossEventLoopGroup(loops)
        .workerEventLoopGroup(loops)
        .maxInboundMessageSize(AbstractInteropTest.MAX_MESSAGE_SIZE)
        .addService(ServerInterceptors.intercept(new TestServiceImpl(executor), TestServiceImpl.interceptors()))
        .build()
        .start();
    server.awaitTermination();
  }

  private UnixServer() {}
}
