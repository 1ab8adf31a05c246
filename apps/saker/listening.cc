#include "listening.h"

#include <iostream>
#include <string>

#include "process.h"

namespace saker::app {

void prepare_server_process() {
  raise_descriptor_limit();
  ignore_broken_pipes();
}

CLI::Option* add_listen(CLI::App& command, std::vector<net::Address>& out) {
  const auto assign = [&out](const std::vector<std::string>& texts) {
    for (const std::string& text : texts) out.push_back(*net::parse_address(text));
  };
  const auto check = [](const std::string& text) {
    const auto address = net::parse_address(text);
    return address ? std::string() : address.error().message;
  };
  return command
      .add_option_function<std::vector<std::string>>("--listen", assign,
                                                     "accept connections here; repeatable")
      ->check(check)
      ->type_name("ADDR")
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

Result<void> open_listeners(
    std::span<const net::Address> addresses,
    const std::function<Result<net::Address>(const net::Address&)>& listen) {
  for (const net::Address& address : addresses) {
    auto bound = listen(address);
    if (!bound) return std::unexpected(bound.error());
    std::cout << "listening on " << net::to_string(*bound) << '\n';
  }
  return {};
}

}  // namespace saker::app
