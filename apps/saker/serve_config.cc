#include "serve_config.h"

#include <sstream>

#include "nearest_word.h"
#include "read_file.h"
#include "saker/services/crypto/toml.h"
#include "serve_settings.h"

namespace saker::app {
namespace {

struct Place {
  const std::string& file;
  toml::source_region region;

  std::unexpected<Error> bad(const std::string& what) const {
    return fail_in_one_line(file + ":" + std::to_string(region.begin.line) + ": " + what);
  }
};

const Setting* setting_of(std::string_view key) {
  for (const Setting& setting : serve_settings()) {
    if (key_of(setting) == key) return &setting;
  }
  return nullptr;
}

std::unexpected<Error> unknown_key(const Place& place, const std::string& key) {
  std::vector<std::string> known;
  for (const Setting& setting : serve_settings()) known.push_back(key_of(setting));
  const auto near = nearest_word(key, known);
  return place.bad("unknown key " + key + (near ? "; did you mean " + *near + "?" : ""));
}

const char* expected(SettingKind kind) {
  switch (kind) {
    case SettingKind::kNumber:
      return "a whole number";
    case SettingKind::kText:
      return "a string";
    case SettingKind::kSwitch:
    case SettingKind::kFlag:
      return "true or false";
    case SettingKind::kList:
      return "an array of strings";
  }
  return "";
}

// The text that a flag would have been given, or nothing where the type is wrong.
std::optional<std::string> text_of(const toml::node& node, SettingKind kind) {
  const bool is_switch = kind == SettingKind::kSwitch || kind == SettingKind::kFlag;
  if (is_switch) {
    if (const auto* value = node.as_boolean()) return value->get() ? "on" : "off";
    return std::nullopt;
  }
  if (const auto* value = node.as_integer()) return std::to_string(value->get());
  if (kind == SettingKind::kNumber) return std::nullopt;
  if (const auto* value = node.as_string()) return value->get();
  return std::nullopt;
}

std::optional<std::vector<std::string>> texts_of(const toml::node& node, SettingKind kind) {
  std::vector<std::string> texts;
  const toml::array* array = node.as_array();
  if (array == nullptr) {
    auto text = text_of(node, kind);
    if (!text) return std::nullopt;
    texts.push_back(*std::move(text));
    return texts;
  }
  if (kind != SettingKind::kList) return std::nullopt;
  for (const toml::node& element : *array) {
    auto text = text_of(element, kind);
    if (!text) return std::nullopt;
    texts.push_back(*std::move(text));
  }
  return texts;
}

Result<void> apply(const std::string& file, const toml::key& key, const toml::node& node,
                   const std::set<std::string_view>& given, ServeOptions& options) {
  const std::string name(key.str());
  const Setting* setting = setting_of(name);
  if (setting == nullptr) return unknown_key({file, key.source()}, name);
  const Place place{file, node.source()};
  const auto texts = texts_of(node, setting->kind);
  if (!texts) return place.bad(name + ": must be " + expected(setting->kind));
  for (const std::string& text : *texts) {
    if (text.find('\0') != text.npos) return place.bad(name + ": has a NUL in it");
  }
  ServeOptions unused;
  auto set = setting->set(given.contains(setting->name) ? unused : options, *texts);
  if (!set) return place.bad(name + ": " + set.error().message);
  return {};
}

void append_value(std::ostream& out, SettingKind kind, const std::string& text) {
  if (kind == SettingKind::kNumber) {
    out << text;
  } else if (kind == SettingKind::kSwitch || kind == SettingKind::kFlag) {
    out << (text == "on" ? "true" : "false");
  } else {
    out << toml::toml_formatter(toml::value<std::string>(text), toml::format_flags::none);
  }
}

}  // namespace

Result<void> parse_config(std::string_view text, const std::string& name,
                          const std::set<std::string_view>& given, ServeOptions& options) {
  const toml::parse_result parsed = toml::parse(text, name);
  if (!parsed) {
    const Place place{name, parsed.error().source()};
    return place.bad(std::string(parsed.error().description()));
  }
  for (const auto& [key, node] : parsed.table()) {
    if (auto applied = apply(name, key, node, given, options); !applied) return applied;
  }
  return {};
}

Result<void> load_config(const std::string& path, const std::set<std::string_view>& given,
                         ServeOptions& options) {
  const auto text = read_file(path);
  if (!text) return fail("configuration file " + text.error().message);
  return parse_config(*text, path, given, options);
}

std::string format_config(const ServeOptions& options) {
  std::ostringstream out;
  for (const Setting& setting : serve_settings()) {
    const std::vector<std::string> values = setting.show(options);
    const bool is_list = setting.kind == SettingKind::kList;
    if (values.empty() && !is_list) continue;
    out << key_of(setting) << " = " << (is_list ? "[" : "");
    for (size_t at = 0; at < values.size(); ++at) {
      if (at != 0) out << ", ";
      append_value(out, setting.kind, values[at]);
    }
    out << (is_list ? "]\n" : "\n");
  }
  return std::move(out).str();
}

}  // namespace saker::app
