// The BIO between OpenSSL and an Engine: reads from the bytes that a call lent, writes behind the
// output that a call gave. Nothing is buffered here.
#pragma once

struct bio_st;

namespace saker::tls {

class Engine;

bio_st* make_engine_bio(Engine& engine);

}  // namespace saker::tls
