#include "saker/services/crypto/ecdsa_signature.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace saker::crypto {
namespace {

using Vector = std::vector<uint8_t>;

Vector operator+(Vector a, const Vector& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

Vector to_der(const Vector& p1363) {
  Vector der(kMaxEcdsaDerBytes);
  der.resize(ecdsa_der_from_p1363(p1363, der));
  return der;
}

struct Case {
  const char* what;
  Vector p1363;
  Vector der;
};

// Scalars of four bytes: the code takes its width from the buffers.
const Case kCases[] = {
    {"plain", {1, 2, 3, 4, 5, 6, 7, 8}, {0x30, 12, 2, 4, 1, 2, 3, 4, 2, 4, 5, 6, 7, 8}},
    {"sign bit",
     {0x80, 2, 3, 4, 0xff, 6, 7, 8},
     {0x30, 14, 2, 5, 0, 0x80, 2, 3, 4, 2, 5, 0, 0xff, 6, 7, 8}},
    {"one leading zero", {0, 2, 3, 4, 5, 6, 7, 8}, {0x30, 11, 2, 3, 2, 3, 4, 2, 4, 5, 6, 7, 8}},
    {"leading zero before a sign bit",
     {0, 0x82, 3, 4, 0, 0, 7, 8},
     {0x30, 10, 2, 4, 0, 0x82, 3, 4, 2, 2, 7, 8}},
    {"one", {0, 0, 0, 1, 0, 0, 0, 0x80}, {0x30, 7, 2, 1, 1, 2, 2, 0, 0x80}},
    {"zero", {0, 0, 0, 0, 0, 0, 0, 0}, {0x30, 6, 2, 1, 0, 2, 1, 0}},
};

TEST(EcdsaSignatureTest, BothWays) {
  for (const auto& test : kCases) {
    EXPECT_EQ(to_der(test.p1363), test.der) << test.what;
    Vector p1363(test.p1363.size(), 0xaa);
    EXPECT_TRUE(ecdsa_p1363_from_der(test.der, p1363)) << test.what;
    EXPECT_EQ(p1363, test.p1363) << test.what;
  }
}

TEST(EcdsaSignatureTest, EveryLeadingZeroCountOfBothCurves) {
  for (const size_t scalar : {32, 48}) {
    for (size_t zeros = 0; zeros <= scalar; ++zeros) {
      for (const uint8_t first : Vector{0x01, 0x7f, 0x80, 0xff}) {
        Vector p1363(2 * scalar, 0x55);
        for (size_t i = 0; i < zeros; ++i) p1363[i] = p1363[scalar + i] = 0;
        if (zeros < scalar) p1363[zeros] = p1363[scalar + zeros] = first;
        const Vector der = to_der(p1363);
        ASSERT_LE(der.size(), 2 + 2 * (scalar + 3));
        Vector back(2 * scalar, 0xaa);
        ASSERT_TRUE(ecdsa_p1363_from_der(der, back));
        ASSERT_EQ(back, p1363);
      }
    }
  }
}

TEST(EcdsaSignatureTest, EveryTruncationAndEveryExtraByteIsRefused) {
  for (const auto& test : kCases) {
    Vector out(test.p1363.size());
    for (size_t size = 0; size < test.der.size(); ++size)
      EXPECT_FALSE(ecdsa_p1363_from_der(Bytes(test.der).first(size), out)) << test.what << size;
    EXPECT_FALSE(ecdsa_p1363_from_der(test.der + Vector{0}, out)) << test.what;
  }
}

TEST(EcdsaSignatureTest, RefusesWhatIsNotDistinguished) {
  const struct {
    const char* what;
    Vector der;
  } cases[] = {
      {"nothing", {}},
      {"no sequence", {0x31, 6, 2, 1, 1, 2, 1, 1}},
      {"no integer", {0x30, 6, 4, 1, 1, 2, 1, 1}},
      {"long form of a short length", {0x30, 0x81, 6, 2, 1, 1, 2, 1, 1}},
      {"indefinite length", {0x30, 0x80, 2, 1, 1, 2, 1, 1, 0, 0}},
      {"negative", {0x30, 6, 2, 1, 0x81, 2, 1, 1}},
      {"needless zero", {0x30, 7, 2, 2, 0, 1, 2, 1, 1}},
      {"two zeros before a sign bit", {0x30, 8, 2, 3, 0, 0, 0x80, 2, 1, 1}},
      {"empty integer", {0x30, 5, 2, 0, 2, 1, 1}},
      {"one integer", {0x30, 3, 2, 1, 1}},
      {"three integers", {0x30, 9, 2, 1, 1, 2, 1, 1, 2, 1, 1}},
      {"wider than the curve", {0x30, 10, 2, 5, 1, 2, 3, 4, 5, 2, 1, 1}},
      {"inner length past the end", {0x30, 6, 2, 1, 1, 2, 9, 1}},
  };
  for (const auto& test : cases) {
    Vector out(8);
    EXPECT_FALSE(ecdsa_p1363_from_der(test.der, out)) << test.what;
  }
}

}  // namespace
}  // namespace saker::crypto
