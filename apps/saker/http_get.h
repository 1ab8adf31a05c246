// http_get(): one GET over HTTP/1.1 without TLS, for a scrape of a server's metrics. Blocks; what it
// reads is HttpAnswer's. Any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "saker/base/result.h"
#include "saker/base/time.h"
#include "saker/net/address.h"
#include "saker/net/socket_address.h"

namespace saker::app {

struct HttpUrl {
  std::string shown;     // as given, its query left out: that may have a token in it
  net::Address address;  // TCP, port 80 where none is given
  std::string host;      // of the Host field
  std::string path;      // with its query; /metrics where there is none
};

// http://HOST[:PORT][/PATH]; IPv6 in brackets. The error names the text.
Result<HttpUrl> parse_http_url(std::string_view text);

// The content of a 200, or why there is none, within `timeout` of all it takes. `addresses`: those of
// url.address, tried in order.
Result<std::string> http_get(const HttpUrl& url, const std::vector<net::SocketAddress>& addresses,
                             Duration timeout);

}  // namespace saker::app
