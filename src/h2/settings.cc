#include "saker/h2/settings.h"

namespace saker::h2 {
namespace {

struct Parameter {
  SettingId id;
  uint32_t Settings::* field;
  uint32_t min;
  uint32_t max;
  ErrorCode error;
};

constexpr Parameter kParameters[] = {
    {SettingId::kHeaderTableSize, &Settings::header_table_size, 0, 0xFFFFFFFF, ErrorCode::kNoError},
    {SettingId::kEnablePush, &Settings::enable_push, 0, 1, ErrorCode::kProtocolError},
    {SettingId::kMaxConcurrentStreams, &Settings::max_concurrent_streams, 0, 0xFFFFFFFF,
     ErrorCode::kNoError},
    {SettingId::kInitialWindowSize, &Settings::initial_window_size, 0, kMaxWindowBytes,
     ErrorCode::kFlowControlError},
    {SettingId::kMaxFrameSize, &Settings::max_frame_size, kMinMaxFrameBytes, kMaxMaxFrameBytes,
     ErrorCode::kProtocolError},
    {SettingId::kMaxHeaderListSize, &Settings::max_header_list_size, 0, 0xFFFFFFFF,
     ErrorCode::kNoError},
};

const Parameter* find_parameter(uint16_t id) {
  for (const Parameter& parameter : kParameters) {
    if (static_cast<uint16_t>(parameter.id) == id) return &parameter;
  }
  return nullptr;
}

}  // namespace

std::optional<ConnectionError> apply_settings(Bytes payload, size_t max_entries,
                                              Settings& settings) {
  if (payload.size() % kSettingBytes != 0) {
    return ConnectionError{ErrorCode::kFrameSizeError, "SETTINGS length is not a multiple of 6"};
  }
  if (payload.size() / kSettingBytes > max_entries) {
    return ConnectionError{ErrorCode::kEnhanceYourCalm, "too many entries in one SETTINGS frame"};
  }
  Settings changed = settings;
  for (; !payload.empty(); payload = payload.subspan(kSettingBytes)) {
    const Parameter* parameter = find_parameter(load_be16(payload.data()));
    if (parameter == nullptr) continue;
    const uint32_t value = load_be32(payload.data() + 2);
    if (value < parameter->min || value > parameter->max) {
      return ConnectionError{parameter->error, "SETTINGS value out of range"};
    }
    changed.*(parameter->field) = value;
  }
  settings = changed;
  return std::nullopt;
}

uint8_t* encode_settings(uint8_t* out, const Settings& settings) {
  const Settings initial;
  uint8_t* at = out + kFrameHeaderBytes;
  for (const Parameter& parameter : kParameters) {
    const uint32_t value = settings.*(parameter.field);
    if (value == initial.*(parameter.field)) continue;
    store_be16(at, static_cast<uint16_t>(parameter.id));
    store_be32(at + 2, value);
    at += kSettingBytes;
  }
  const auto length = static_cast<uint32_t>(at - out - kFrameHeaderBytes);
  encode_frame_header(out, {length, FrameType::kSettings, 0, 0});
  return at;
}

}  // namespace saker::h2
