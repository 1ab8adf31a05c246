// grpc-go as a peer: the same echo.proto, served as its documentation shows it. On one thread of Go code, because bench/run
// gives the server one core.
//
//	grpc-go-echo HOST:PORT [CERTIFICATE KEY]      TLS with these files (PEM)
//
// $ECHO_DELAY_MS: so long it keeps each call.
package main

import (
	"context"
	"fmt"
	"log"
	"net"
	"os"
	"runtime"
	"strconv"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	pb "saker-bench-peer/echo"
)

type service struct {
	pb.UnimplementedEchoServer
	delay time.Duration
}

func (s service) Echo(_ context.Context, request *pb.EchoRequest) (*pb.EchoReply, error) {
	received := time.Now()
	if s.delay > 0 {
		time.Sleep(s.delay)
	}
	reply := &pb.EchoReply{
		Payload:          request.Payload,
		ClientSendTimeNs: request.ClientSendTimeNs,
		Sequence:         request.Sequence,
	}
	processing := uint64(time.Since(received))
	reply.ServerReceiveTimeNs = uint64(received.UnixNano())
	reply.ServerSendTimeNs = reply.ServerReceiveTimeNs + processing
	reply.ProcessingNs = processing
	return reply, nil
}

func main() {
	runtime.GOMAXPROCS(1)
	listener, err := net.Listen("tcp", os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	var options []grpc.ServerOption
	if len(os.Args) == 4 {
		identity, err := credentials.NewServerTLSFromFile(os.Args[2], os.Args[3])
		if err != nil {
			log.Fatal(err)
		}
		options = append(options, grpc.Creds(identity))
	}
	server := grpc.NewServer(options...)
	delay, _ := strconv.Atoi(os.Getenv("ECHO_DELAY_MS"))
	pb.RegisterEchoServer(server, service{delay: time.Duration(delay) * time.Millisecond})
	fmt.Println("listening on", os.Args[1])
	log.Fatal(server.Serve(listener))
}
