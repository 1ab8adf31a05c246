// What of a token's objects is a key to sign with: names and versions from labels, the public half,
// and the algorithms that token and key allow. The rules are in docs/crypto.md.
#include <openssl/core_names.h>
#include <openssl/param_build.h>

#include <algorithm>
#include <cstring>
#include <map>

#include "saker/services/crypto/key_file.h"
#include "saker/services/crypto/openssl_handles.h"
#include "saker/services/crypto/pkcs11_signer.h"

namespace saker::crypto {
namespace {

using ByteVector = std::vector<uint8_t>;
using ParameterBuilder = std::unique_ptr<OSSL_PARAM_BLD, Freed<OSSL_PARAM_BLD_free>>;
using Parameters = std::unique_ptr<OSSL_PARAM, Freed<OSSL_PARAM_free>>;

constexpr unsigned long kMaxAttributeBytes = 64 * 1024;

// OBJECT IDENTIFIERs in DER: RFC 5480 section 2.1.1.1.
constexpr uint8_t kP256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
constexpr uint8_t kP384[] = {0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22};

// What a session is worth after it was used: CKR_OK, or why it is of no use.
struct Health {
  ck_rv_t result = CKR_OK;
  bool is_good() const { return result == CKR_OK; }
  void note(ck_rv_t failure) {
    if (is_good()) result = failure;
  }
};

// One object's attributes as this session sees them. A failure to read one, which says nothing of
// whether it is there, is noted in `health`.
class ObjectReader {
 public:
  ObjectReader(const Pkcs11Module& module, ck_session_handle_t session, ck_object_handle_t object,
               Health& health)
      : module_(module), session_(session), object_(object), health_(health) {}

  // Empty where it has none, or does not show it.
  ByteVector bytes(ck_attribute_type_t type) const {
    ck_attribute attribute{type, nullptr, 0};
    if (!get(attribute) || attribute.value_len > kMaxAttributeBytes) return {};
    ByteVector value(attribute.value_len);
    attribute.value = value.data();
    if (value.empty()) return value;
    if (!get(attribute)) return {};
    value.resize(std::min<size_t>(attribute.value_len, value.size()));
    return value;
  }

  bool flag(ck_attribute_type_t type, bool otherwise) const {
    const ByteVector value = bytes(type);
    return value.size() == 1 ? value[0] != 0 : otherwise;
  }

  std::vector<unsigned long> numbers(ck_attribute_type_t type) const {
    const ByteVector value = bytes(type);
    std::vector<unsigned long> out(value.size() / sizeof(unsigned long));
    if (!out.empty()) std::memcpy(out.data(), value.data(), out.size() * sizeof(unsigned long));
    return out;
  }

 private:
  // PKCS#11 2.40 section 5.7: these results, and this length, say that there is nothing to be had.
  bool get(ck_attribute& attribute) const {
    const ck_rv_t result = module_->C_GetAttributeValue(session_, object_, &attribute, 1);
    if (result == CKR_OK) return attribute.value_len != static_cast<unsigned long>(-1);
    if (result != CKR_ATTRIBUTE_TYPE_INVALID && result != CKR_ATTRIBUTE_SENSITIVE)
      health_.note(result);
    return false;
  }

  const Pkcs11Module& module_;
  const ck_session_handle_t session_;
  const ck_object_handle_t object_;
  Health& health_;
};

// ---- the public half

Result<PrivateKey> from_parameters(const char* type, OSSL_PARAM_BLD* builder) {
  const Parameters parameters(OSSL_PARAM_BLD_to_param(builder));
  const KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  EVP_PKEY* made = nullptr;
  if (parameters == nullptr || context == nullptr || EVP_PKEY_fromdata_init(context.get()) <= 0 ||
      EVP_PKEY_fromdata(context.get(), &made, EVP_PKEY_PUBLIC_KEY, parameters.get()) <= 0)
    return fail_openssl("its public half is no public key");
  return PrivateKey::from_pkey(PkeyHandle(made));
}

BigNumber number_of(const ByteVector& bytes) {
  return BigNumber(BN_bin2bn(bytes.data(), static_cast<int>(bytes.size()), nullptr));
}

Result<PrivateKey> make_rsa(const ByteVector& modulus, const ByteVector& exponent) {
  if (modulus.empty() || exponent.empty()) return fail("its public half is not on the token");
  const BigNumber n = number_of(modulus);
  const BigNumber e = number_of(exponent);
  const ParameterBuilder builder(OSSL_PARAM_BLD_new());
  OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get());
  OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get());
  return from_parameters("RSA", builder.get());
}

// CKA_EC_POINT is an OCTET STRING around the point (PKCS#11 2.40 section 2.3.3); some tokens leave
// the string off.
Bytes unwrap_point(const ByteVector& point) {
  const Bytes all(point);
  const bool is_wrapped = all.size() > 2 && all[0] == 0x04 && all[1] == all.size() - 2;
  return is_wrapped ? all.subspan(2) : all;
}

Result<PrivateKey> make_ec(const ByteVector& curve, const ByteVector& point) {
  const bool is_p256 = std::ranges::equal(curve, kP256);
  if (!is_p256 && !std::ranges::equal(curve, kP384)) return fail("its curve is not supported");
  if (point.empty())
    return fail("its public half is not on the token: there must be a public key of the same ID");
  const Bytes bare = unwrap_point(point);
  const ParameterBuilder builder(OSSL_PARAM_BLD_new());
  OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME,
                                  is_p256 ? "prime256v1" : "secp384r1", 0);
  OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, bare.data(),
                                   bare.size());
  return from_parameters("EC", builder.get());
}

// ---- one object

class TokenReader {
 public:
  TokenReader(std::shared_ptr<Pkcs11Token> token, ck_session_handle_t session)
      : token_(std::move(token)), module_(token_->module()), session_(session) {}

  // After read().
  const Health& health() const { return health_; }

  Result<void> read() {
    const auto objects = find_objects(module_, session_, CKO_PRIVATE_KEY, {});
    if (!objects) {
      health_.note(objects.error());
      return fail_pkcs11("token '" + token_->label() + "': cannot list its keys", objects.error());
    }
    if (objects->size() >= kMaxTokenObjects)
      return fail("token '" + token_->label() + "' has more than " +
                  std::to_string(kMaxTokenObjects) + " private keys");
    for (const ck_object_handle_t object : *objects) {
      auto added = add(ObjectReader(module_, session_, object, health_));
      // Whatever came of it: not all of the key was seen.
      if (!health_.is_good())
        return fail_pkcs11("token '" + token_->label() + "': cannot read its keys", health_.result);
      if (!added) return added;
    }
    return {};
  }

  Result<TokenKeys> finish() {
    std::vector<Key> keys;
    for (auto& [name, key] : keys_) {
      std::ranges::sort(key.versions, {}, &KeyVersion::number);
      keys.push_back(std::move(key));
    }
    if (keys.empty()) {
      std::string why = "token '" + token_->label() + "' has no key to sign with";
      for (const std::string& remark : remarks_) why += "; " + remark;
      return fail(std::move(why));
    }
    auto ring = KeyRing::make(std::move(keys));
    if (!ring) return std::unexpected(ring.error());
    return TokenKeys{*std::move(ring), std::move(remarks_)};
  }

 private:
  // An error: which key is meant by a name would depend on chance.
  Result<void> add(const ObjectReader& object) {
    const ByteVector label = object.bytes(CKA_LABEL);
    const std::string_view text(reinterpret_cast<const char*>(label.data()), label.size());
    const auto named = parse_resource_name(text);
    if (!named || !is_key_name(named->name)) {
      remark(text, "its label is no name of a key");
      return {};
    }
    auto public_half = read_public(object);
    if (!public_half) {
      remark(text, public_half.error().message);
      return {};
    }
    auto algorithms = algorithms_of(object, public_half->type());
    if (algorithms.empty()) {
      remark(text, "neither it nor the token allows a mechanism to sign with");
      return {};
    }
    // A PIN for each signature would have to be kept in memory.
    if (object.flag(CKA_ALWAYS_AUTHENTICATE, false)) {
      remark(text, "it asks for the PIN before each signature");
      return {};
    }
    return add_version(object, label, *named, *public_half, std::move(algorithms));
  }

  Result<void> add_version(const ObjectReader& object, const ByteVector& label,
                           const KeyName& named, const PrivateKey& public_half,
                           std::vector<Algorithm> algorithms) {
    const uint32_t number = named.version != 0 ? named.version : 1;
    const KeyType type = public_half.type();
    const auto [at, is_new] = keys_.try_emplace(std::string(named.name),
                                                Key{std::string(named.name), type, algorithms, {}});
    Key& key = at->second;
    const std::string where = "token '" + token_->label() + "', key \"" + key.name + "\": ";
    if (key.type != type) return fail(where + "its versions are of two types");
    if (key.find(number) != nullptr)
      return fail(where + "two private keys are version " + std::to_string(number));
    if (key.versions.size() == kMaxKeyVersions) return fail(where + "too many versions");
    std::erase_if(key.algorithms, [&](Algorithm each) {
      return std::ranges::find(algorithms, each) == algorithms.end();
    });
    if (object.flag(CKA_EXTRACTABLE, false) || !object.flag(CKA_SENSITIVE, true))
      remark(as_text(label), "used, but it may leave the token: it is extractable");
    auto encodings = public_half.public_encodings();
    if (!encodings) return std::unexpected(encodings.error());
    const bool can_sign = object.flag(CKA_SIGN, true);
    auto holder = std::make_unique<Pkcs11KeyHolder>(token_, Pkcs11Name{label, object.bytes(CKA_ID)},
                                                    type, encodings->der, can_sign);
    key.versions.push_back({number, can_sign ? KeyState::kEnabled : KeyState::kDisabled,
                            KeyMaterial::make(std::move(holder), *std::move(encodings))});
    return {};
  }

  Result<PrivateKey> read_public(const ObjectReader& object) {
    const auto type = object.numbers(CKA_KEY_TYPE);
    std::optional<ObjectReader> other = find_public(object);
    const auto read = [&](ck_attribute_type_t attribute) {
      ByteVector value = object.bytes(attribute);
      return value.empty() && other ? other->bytes(attribute) : value;
    };
    if (type.size() == 1 && type[0] == CKK_RSA)
      return make_rsa(read(CKA_MODULUS), read(CKA_PUBLIC_EXPONENT));
    if (type.size() == 1 && type[0] == CKK_EC)
      return make_ec(read(CKA_EC_PARAMS), read(CKA_EC_POINT));
    return fail("its type is not supported");
  }

  std::optional<ObjectReader> find_public(const ObjectReader& object) {
    const ByteVector id = object.bytes(CKA_ID);
    if (id.empty()) return std::nullopt;
    const auto found = find_objects(module_, session_, CKO_PUBLIC_KEY, {{}, id});
    if (!found) health_.note(found.error());
    if (!found || found->empty()) return std::nullopt;
    return ObjectReader(module_, session_, found->front(), health_);
  }

  std::vector<Algorithm> algorithms_of(const ObjectReader& object, KeyType type) {
    const auto allowed = object.numbers(CKA_ALLOWED_MECHANISMS);  // none: all
    std::vector<Algorithm> algorithms;
    for (const Algorithm algorithm : allowed_algorithms(type)) {
      const ck_mechanism_type_t mechanism = mechanism_of(algorithm);
      const bool is_of_key =
          allowed.empty() || std::ranges::find(allowed, mechanism) != allowed.end();
      if (is_of_key && has_mechanism(mechanism)) algorithms.push_back(algorithm);
    }
    return algorithms;
  }

  bool has_mechanism(ck_mechanism_type_t mechanism) {
    const auto has = token_->has_mechanism(mechanism);
    if (!has) health_.note(has.error());
    return has.value_or(false);
  }

  // Labels are anybody's bytes; those of a log line are printable.
  void remark(std::string_view label, const std::string& what) {
    std::string shown;
    for (const char c : label.substr(0, kMaxKeyNameBytes)) shown += c >= ' ' && c <= '~' ? c : '?';
    remarks_.push_back("key labelled '" + shown + "': " + what);
  }

  const std::shared_ptr<Pkcs11Token> token_;
  const Pkcs11Module& module_;
  const ck_session_handle_t session_;
  Health health_;
  std::map<std::string, Key> keys_;
  std::vector<std::string> remarks_;
};

}  // namespace

Result<TokenKeys> Pkcs11Token::load_keys() {
  for (const bool again : {true, false}) {
    allow_attempt();
    const auto session = take();
    if (!session) return std::unexpected(session.error());
    TokenReader reader(shared_from_this(), session->handle);
    const auto read = reader.read();
    if (reader.health().is_good()) {
      give_back(*session);
      if (read) return reader.finish();
    } else {
      lose(*session, reader.health().result);
      if (again) continue;  // a session that rested too long: the next take() begins anew
    }
    return std::unexpected(read.error());
  }
  return fail("token '" + label_ + "' is lost");
}

}  // namespace saker::crypto
