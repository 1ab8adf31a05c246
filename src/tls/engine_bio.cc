#include "saker/tls/engine_bio.h"

#include <openssl/bio.h>

#include <algorithm>
#include <cstring>

#include "saker/tls/engine.h"

namespace saker::tls {

struct EngineBio {
  static Engine& engine_of(BIO* bio) { return *static_cast<Engine*>(BIO_get_data(bio)); }

  static int read(BIO* bio, char* out, size_t wanted, size_t* size) {
    BIO_clear_retry_flags(bio);
    Bytes& input = engine_of(bio).input_;
    if (input.empty()) {
      BIO_set_retry_read(bio);
      return 0;
    }
    *size = std::min(wanted, input.size());
    std::memcpy(out, input.data(), *size);
    input = input.subspan(*size);
    return 1;
  }

  // Outside of a call there is nowhere to write to; OpenSSL does not try.
  static int write(BIO* bio, const char* bytes, size_t size, size_t* written) {
    BIO_clear_retry_flags(bio);
    ChunkQueue* output = engine_of(bio).output_;
    if (output == nullptr) return 0;
    output->append(Bytes(reinterpret_cast<const uint8_t*>(bytes), size));
    *written = size;
    return 1;
  }

  static long control(BIO*, int command, long, void*) {
    return command == BIO_CTRL_FLUSH || command == BIO_CTRL_DUP ? 1 : 0;
  }

  // One for the process, and for its whole life.
  static const BIO_METHOD* method() {
    static BIO_METHOD* const kMethod = [] {
      BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "saker");
      BIO_meth_set_read_ex(made, read);
      BIO_meth_set_write_ex(made, write);
      BIO_meth_set_ctrl(made, control);
      return made;
    }();
    return kMethod;
  }
};

BIO* make_engine_bio(Engine& engine) {
  BIO* bio = BIO_new(EngineBio::method());
  BIO_set_data(bio, &engine);
  BIO_set_init(bio, 1);
  return bio;
}

}  // namespace saker::tls
