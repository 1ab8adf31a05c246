// grpc-go's own interoperability cases, one a run: they end the process when something is wrong.
package main

import (
	"context"
	"crypto/x509"
	"flag"
	"fmt"
	"log"
	"os"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/interop"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"
)

type testCase = func(context.Context, testgrpc.TestServiceClient, ...grpc.CallOption)

var cases = map[string]testCase{
	"empty_unary":                 interop.DoEmptyUnaryCall,
	"large_unary":                 interop.DoLargeUnaryCall,
	"client_streaming":            interop.DoClientStreaming,
	"server_streaming":            interop.DoServerStreaming,
	"ping_pong":                   interop.DoPingPong,
	"empty_stream":                interop.DoEmptyStream,
	"custom_metadata":             interop.DoCustomMetadata,
	"status_code_and_message":     interop.DoStatusCodeAndMessage,
	"special_status_message":      interop.DoSpecialStatusMessage,
	"cancel_after_begin":          interop.DoCancelAfterBegin,
	"cancel_after_first_response": interop.DoCancelAfterFirstResponse,
	"timeout_on_sleeping_server":  interop.DoTimeoutOnSleepingServer,
	"concurrent_large_unary":      concurrentLargeUnary,
}

// A hundred at a time, which is what servers let one connection have. The official client no longer has this case.
func concurrentLargeUnary(ctx context.Context, client testgrpc.TestServiceClient, options ...grpc.CallOption) {
	var calls sync.WaitGroup
	for range 100 {
		calls.Go(func() { interop.DoLargeUnaryCall(ctx, client, options...) })
	}
	calls.Wait()
}

func soak(target string, connect func() (*grpc.ClientConn, func())) {
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	interop.DoSoakTest(ctx, interop.SoakTestConfig{
		RequestSize: 271828, ResponseSize: 314159, PerIterationMaxAcceptableLatency: 5 * time.Second,
		OverallTimeout: 60 * time.Second, ServerAddr: target, NumWorkers: 1, Iterations: 10,
		ChannelForTest: connect,
	})
}

func main() {
	target := flag.String("target", "", "host:port or unix:/path")
	name := flag.String("case", "", "the official name of a case")
	ca := flag.String("ca", "", "TLS: certificate authority, PEM")
	serverName := flag.String("server-name", "", "TLS: name in the server's certificate")
	flag.Parse()
	identity := insecure.NewCredentials()
	if *ca != "" {
		pem, err := os.ReadFile(*ca)
		if err != nil {
			log.Fatal(err)
		}
		roots := x509.NewCertPool()
		roots.AppendCertsFromPEM(pem)
		identity = credentials.NewClientTLSFromCert(roots, *serverName)
	}
	connect := func() (*grpc.ClientConn, func()) {
		connection, err := grpc.NewClient(*target, grpc.WithTransportCredentials(identity))
		if err != nil {
			log.Fatal(err)
		}
		return connection, func() { connection.Close() }
	}
	connection, disconnect := connect()
	defer disconnect()
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	switch *name {
	case "unimplemented_method":
		interop.DoUnimplementedMethod(ctx, connection)
	case "unimplemented_service":
		interop.DoUnimplementedService(ctx, testgrpc.NewUnimplementedServiceClient(connection))
	case "rpc_soak":
		soak(*target, func() (*grpc.ClientConn, func()) { return connection, func() {} })
	case "channel_soak":
		soak(*target, connect)
	default:
		run, ok := cases[*name]
		if !ok {
			log.Fatal("no case ", *name)
		}
		run(ctx, testgrpc.NewTestServiceClient(connection))
	}
	fmt.Println("ok   ", *name)
}
