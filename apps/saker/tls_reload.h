// TlsReload: reads a server's certificate files again when asked to (SIGHUP), and when one of them has
// changed, on a thread of its own. Files that cannot be used are told of and change nothing. Looks at the
// files' status once a second rather than at inotify, which misses what is replaced behind symbolic
// links, as Kubernetes replaces secrets.
#pragma once

#include <array>
#include <ctime>
#include <functional>
#include <string>

#include "reload_thread.h"
#include "saker/tls/context.h"
#include "serve_options.h"
#include "server_log.h"

namespace saker::app {

class TlsReload {
 public:
  // `use` is called on the thread of this, with each new context; nothing happens before start().
  TlsReload(const ServeTlsOptions& options, ServerLog& log,
            std::function<void(const tls::ServerContext&)> use);

  void start() { thread_.start(); }
  // Any thread: read them now.
  void ask() { thread_.ask(); }
  // ReloadThread's.
  bool end() { return thread_.end(); }

 private:
  // What tells one version of a file from another; all zero where there is none.
  struct Stamp {
    timespec modified{};
    uint64_t bytes = 0;
    uint64_t inode = 0;
    bool operator==(const Stamp& other) const;
  };
  using Stamps = std::array<Stamp, 3>;

  static Stamp stamp_of(const std::string& file);
  Stamps stamps() const;
  void look(bool asked);
  void reload();

  const ServeTlsOptions& options_;
  ServerLog& log_;
  const std::function<void(const tls::ServerContext&)> use_;
  Stamps seen_;
  ReloadThread thread_;
};

}  // namespace saker::app
