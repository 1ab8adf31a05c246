#include "bench_thread.h"
#include "bench_workload.h"
#include <cstdio>
#include <time.h>
int main(int argc,char**argv){
  using namespace saker;
  app::BenchOptions o; o.target=*net::parse_address(argc>1?argv[1]:"127.0.0.1:50051");
  if(argc>3) o.connections=atoi(argv[3]); if(argc>4) o.streams=atoi(argv[4]);
  auto loop=net::make_epoll_loop(); rpc::ChannelOptions co; co.connections=o.connections; co.connect_eagerly=true;
  rpc::Channel ch(**loop,o.target,co);
  while(ch.ready_connections()<o.connections) (*loop)->run_once((*loop)->read_clock()+std::chrono::milliseconds(10));
  app::EchoWorkload w(o.payload_bytes); app::BenchShare s; s.connections=o.connections; s.count=argc>2?atoi(argv[2]):1000000; s.measure_from=(*loop)->now();
  app::BenchThread<app::EchoWorkload> t(o,w,**loop,ch,s);
  timespec a,b; clock_gettime(CLOCK_PROCESS_CPUTIME_ID,&a); Time t0=(*loop)->read_clock();
  t.run();
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID,&b); Time t1=(*loop)->read_clock();
  double cpu=(b.tv_sec-a.tv_sec)+(b.tv_nsec-a.tv_nsec)/1e9, wall=(t1-t0).count()/1e9;
  auto& r=t.result(); printf("calls %lu errors %lu wall %.3f  %.0f/s client cpu/call %.3f us p50 %.1f us p99 %.1f us %s\n",r.calls.load(),r.errors.load(),wall,r.calls/wall,cpu/r.calls*1e6,r.uncorrected.percentile(50).count()/1e3,r.uncorrected.percentile(99).count()/1e3,r.first_error.c_str());
}
