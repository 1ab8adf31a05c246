// grpc-go as a peer: the same echo.proto, served as its documentation shows it. On one thread of Go code, because bench/run
// gives the server one core.
//
//	grpc-go-echo HOST:PORT [CERTIFICATE KEY]      TLS with these files (PEM)
package main

import (
	"context"
	"fmt"
	"log"
	"net"
	"os"
	"runtime"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	pb "saker-bench-peer/echo"
)

type service struct {
	pb.UnimplementedEchoServer
}

func (service) Echo(_ context.Context, request *pb.EchoRequest) (*pb.EchoReply, error) {
	received := time.Now()
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
	pb.RegisterEchoServer(server, service{})
	fmt.Println("listening on", os.Args[1])
	log.Fatal(server.Serve(listener))
}
