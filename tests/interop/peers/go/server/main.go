// grpc-go's own interoperability server, listening where it is told to.
package main

import (
	"flag"
	"fmt"
	"log"
	"net"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/interop"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"
)

func main() {
	address := flag.String("listen", "", "host:port or unix:/path")
	cert := flag.String("cert", "", "TLS: certificate chain, PEM")
	key := flag.String("key", "", "TLS: private key, PEM")
	flag.Parse()
	network, where := "tcp", *address
	if path, ok := strings.CutPrefix(where, "unix:"); ok {
		network, where = "unix", path
	}
	listener, err := net.Listen(network, where)
	if err != nil {
		log.Fatal(err)
	}
	var options []grpc.ServerOption
	if *cert != "" {
		identity, err := credentials.NewServerTLSFromFile(*cert, *key)
		if err != nil {
			log.Fatal(err)
		}
		options = append(options, grpc.Creds(identity))
	}
	server := grpc.NewServer(options...)
	testgrpc.RegisterTestServiceServer(server, interop.NewTestServer())
	fmt.Println("listening on", *address)
	log.Fatal(server.Serve(listener))
}
