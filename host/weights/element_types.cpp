#include "element_types.hpp"

#include <cmath>
#include <cstring>
#include <map>

namespace recur {
namespace {

uint64_t little_endian(const unsigned char* bytes, int count) {
  uint64_t value = 0;
  for (int k = count; k-- > 0;) value = value << 8 | bytes[k];
  return value;
}

template <class To, class From>
To as(From bits) {
  static_assert(sizeof(To) == sizeof(From));
  To value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

// IEEE's binary16: every one is a float. Infinities and NaNs keep their mantissa.
float from_half(uint32_t bits) {
  const uint32_t sign = (bits & 0x8000) << 16, exponent = bits >> 10 & 31, mantissa = bits & 0x3FF;
  if (exponent == 0) return as<float>(as<uint32_t>(static_cast<float>(mantissa) * 0x1p-24f) | sign);
  return as<float>(sign | (exponent == 31 ? 255u : exponent + 112) << 23 | mantissa << 13);
}

}  // namespace

int64_t element_bits(const std::string& type) {
  static const std::map<std::string, int64_t> bits = {
      {"BOOL", 8},        {"U8", 8},          {"I8", 8},    {"F8_E5M2", 8}, {"F8_E4M3", 8}, {"F8_E8M0", 8},
      {"F8_E4M3FNUZ", 8}, {"F8_E5M2FNUZ", 8}, {"F4", 4},    {"F6_E2M3", 6}, {"F6_E3M2", 6}, {"I16", 16},
      {"U16", 16},        {"F16", 16},        {"BF16", 16}, {"I32", 32},    {"U32", 32},    {"F32", 32},
      {"I64", 64},        {"U64", 64},        {"F64", 64},  {"C64", 64}};
  const auto found = bits.find(type);
  return found == bits.end() ? 0 : found->second;
}

std::string read_floats(const std::string& type, const unsigned char* bytes, size_t count, std::vector<float>* values) {
  if (type != "F32" && type != "F16" && type != "BF16" && type != "F64")
    return "is of type " + type + ", and weights are read from F32, F16, BF16 and F64";
  values->resize(count);
  const auto each = [&](size_t size, auto&& read) {
    for (size_t k = 0; k < count; ++k) (*values)[k] = read(little_endian(bytes + k * size, static_cast<int>(size)));
  };
  if (type == "F32") each(4, [](uint64_t bits) { return as<float>(static_cast<uint32_t>(bits)); });
  if (type == "F16") each(2, [](uint64_t bits) { return from_half(static_cast<uint32_t>(bits)); });
  if (type == "BF16") each(2, [](uint64_t bits) { return as<float>(static_cast<uint32_t>(bits) << 16); });
  if (type != "F64") return "";
  for (size_t k = 0; k < count; ++k) {
    const double exact = as<double>(little_endian(bytes + 8 * k, 8));
    // Half a unit above the largest float: from there on rounding gives no finite one.
    if (std::isfinite(exact) && std::fabs(exact) >= 0x1.ffffffp127) {
      values->clear();
      return "is of type F64, and its element " + std::to_string(k) + " is beyond the range of float";
    }
    (*values)[k] = static_cast<float>(exact);
  }
  return "";
}

}  // namespace recur
