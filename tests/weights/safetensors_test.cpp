// safetensors files: what is right is read, to the bit, and each thing that can be wrong is refused by a sentence that
// names the file and the tensor.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <limits>

#include "tests/weights/weights_support.hpp"

namespace recur::test {
namespace {

std::string file_of(const std::string& header, const std::string& data) {
  std::string bytes;
  for (int k = 0; k < 8; ++k) bytes += static_cast<char>(header.size() >> 8 * k & 0xFF);
  return bytes + header + data;
}
Weights parse(const std::string& bytes) { return Weights::parse(bytes.data(), bytes.size(), "a.safetensors"); }
std::string zeros(size_t count) { return std::string(count, '\0'); }
template <class T>
std::string bytes_of(std::initializer_list<T> values) {
  std::string bytes;
  for (const T value : values)
    for (size_t k = 0; k < sizeof(T); ++k) bytes += static_cast<char>(static_cast<uint64_t>(value) >> 8 * k & 0xFF);
  return bytes;
}

void expect_refused(const std::string& bytes, const std::string& words) {
  const Refusal refusal = refusal_of([&] { parse(bytes); });
  EXPECT_EQ(refusal.status, RECUR_INVALID_ARGUMENT) << words;
  EXPECT_EQ(refusal.text.find("a.safetensors: "), 0u) << refusal.text;
  EXPECT_NE(refusal.text.find(words), std::string::npos) << "'" << refusal.text << "' has no '" << words << "'";
  EXPECT_EQ(refusal.text.find('\n'), std::string::npos) << refusal.text;
}

TEST(Safetensors, ReadsWhatIsRight) {
  // Tensors in another order than their bytes, white space, escapes, a number alone, an empty tensor, padding.
  const Weights set =
      parse(file_of("{ \"b\\u00e9\\ud83d\\ude00\\n\" : "
                    "{\"shape\":[2],\"dtype\":\"F32\",\"data_offsets\":[4,12]},\n\t\"a\":{\"dtype\":\"F32\","
                    "\"shape\":[],\"data_offsets\":[0,4]},\"__metadata__\":{\"format\":\"pt\",\"x\":\"\"},"
                    "\"empty\":{\"dtype\":\"F32\",\"shape\":[3,0],\"data_offsets\":[12,12]}}   ",
                    bytes_of<uint32_t>({0x3F800000, 0xC0000000, 0x7FC00123})));
  ASSERT_EQ(set.count(), 3u);
  EXPECT_EQ(std::string(set[0].name), "a");
  EXPECT_EQ(set[0].rank, 0);
  EXPECT_EQ(set[0].values[0], 1);
  const recur_tensor b = set.find("b\u00e9\U0001F600\n");
  EXPECT_EQ(shape_of(b), std::vector<int64_t>{2});
  EXPECT_EQ(b.values[0], -2);
  uint32_t bits = 0;
  std::memcpy(&bits, &b.values[1], 4);
  EXPECT_EQ(bits, 0x7FC00123u) << "a NaN keeps its bits";
  EXPECT_EQ(set.find("empty").elements, 0);
  EXPECT_EQ(set.attribute("format"), "pt");
  EXPECT_EQ(set.attribute("none"), "");
  EXPECT_EQ(parse(file_of("{}", "")).count(), 0u);
}

TEST(Safetensors, ElementTypes) {
  const auto one = [](const std::string& type, const std::string& data, int64_t count) {
    const Weights set = parse(file_of("{\"t\":{\"dtype\":\"" + type + "\",\"shape\":[" + std::to_string(count) +
                                          "],\"data_offsets\":[0," + std::to_string(data.size()) + "]}}",
                                      data));
    const recur_tensor t = set.find("t");
    EXPECT_EQ(std::string(t.type), type);
    return t.values == nullptr ? std::vector<float>{} : std::vector<float>(t.values, t.values + t.elements);
  };
  const float infinity = std::numeric_limits<float>::infinity();
  // 1, -2, the largest, the smallest normal, the largest and the smallest subnormal, -0, infinity.
  EXPECT_TRUE(
      same_bits(one("F16", bytes_of<uint16_t>({0x3C00, 0xC000, 0x7BFF, 0x0400, 0x03FF, 0x0001, 0x8000, 0xFC00}), 8),
                {1, -2, 65504, 0x1p-14f, 1023 * 0x1p-24f, 0x1p-24f, -0.0f, -infinity}));
  EXPECT_TRUE(std::isnan(one("F16", bytes_of<uint16_t>({0x7E01}), 1)[0]));
  EXPECT_TRUE(same_bits(one("BF16", bytes_of<uint16_t>({0x3F80, 0xC049, 0x0001, 0xFF80}), 4),
                        {1, -3.140625f, 0x1p-133f, -infinity}));
  // 1, a third (rounded to nearest), half the smallest subnormal (to even), the largest double that rounds to a float.
  EXPECT_TRUE(same_bits(one("F64",
                            bytes_of<uint64_t>({0x3FF0000000000000, 0x3FD5555555555555, 0x3690000000000000,
                                                0x47EFFFFFEFFFFFFF, 0xFFF0000000000000}),
                            5),
                        {1, 1.0f / 3, 0, std::numeric_limits<float>::max(), -infinity}));
  // Others are kept without values.
  EXPECT_TRUE(one("I64", zeros(16), 2).empty());
  EXPECT_TRUE(one("F8_E4M3", zeros(2), 2).empty());
  EXPECT_TRUE(one("F4", zeros(2), 4).empty());
  EXPECT_TRUE(one("F64", bytes_of<uint64_t>({0x47EFFFFFF0000000}), 1).empty()) << "beyond the range of float";
}

TEST(Safetensors, RefusesWhatIsWrong) {
  const std::string f32 = "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}";
  ASSERT_EQ(parse(file_of(f32, zeros(8))).count(), 1u);
  const auto entry = [](const std::string& body) { return "{\"a\":" + body + "}"; };
  const auto tensor = [&](const std::string& type, const std::string& shape, const std::string& offsets) {
    return "{\"dtype\":\"" + type + "\",\"shape\":" + shape + ",\"data_offsets\":" + offsets + "}";
  };
  // The file.
  expect_refused("", "there are 0 bytes");
  expect_refused("1234567", "there are 7 bytes");
  expect_refused("PK\x03\x04 a zip archive, as torch.save writes it", "this is no safetensors file");
  expect_refused(std::string(8, '\xff'), "18446744073709551615 bytes, more than 100000000");
  expect_refused(bytes_of<uint64_t>({100000001}) + "{}", "100000001 bytes, more than 100000000");
  expect_refused(bytes_of<uint64_t>({3}) + "{}", "after its length there are 2: the file is truncated");
  expect_refused(bytes_of<uint64_t>({0}) + "{}", "does not begin with '{'");
  expect_refused(file_of(" {}", ""), "does not begin with '{'");
  expect_refused(file_of("[]", ""), "does not begin with '{'");
  for (size_t size = 8; size < file_of(f32, zeros(8)).size(); ++size)  // every truncation
    expect_refused(file_of(f32, zeros(8)).substr(0, size), "truncated");
  // UTF-8: a byte alone, overlong, a surrogate, beyond U+10FFFF, cut off.
  for (const char* text :
       {"\x80", "\xC0\xAF", "\xE0\x80\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xC3"})
    expect_refused(file_of("{\"" + std::string(text) + "\":1}", ""), "no UTF-8");
  // JSON.
  expect_refused(file_of("{", ""), "a string is expected, and there is the end of the header");
  expect_refused(file_of("{\"a\"", ""), "':' is expected");
  expect_refused(file_of("{\"a", ""), "a string has no end");
  expect_refused(file_of("{\"a\tb\":1}", ""), "a string holds a byte of value 9");
  expect_refused(file_of("{\"\\x\":1}", ""), "'\\' is followed by 'x'");
  expect_refused(file_of("{\"\\u12g4\":1}", ""), "four hexadecimal digits, and there is 'g'");
  expect_refused(file_of("{\"\\ud800\":1}", ""), "the second does not follow");
  expect_refused(file_of("{\"\\ud800\\u0041\":1}", ""), "the second does not follow");
  expect_refused(file_of("{\"\\udc00\":1}", ""), "the second half");
  expect_refused(file_of("{\"a\\u0000b\":1}", ""), "NUL");
  expect_refused(file_of("{} x", ""), "behind the object, and there is 'x'");
  expect_refused(file_of(f32.substr(0, f32.size() - 1) + ",}", zeros(8)), "a string is expected, and there is '}'");
  expect_refused(file_of(entry("1"), ""), "'{' is expected, and there is '1'");
  expect_refused(file_of(entry("null"), ""), "'{' is expected");
  std::string deep;
  for (int k = 0; k < 100000; ++k) deep += "{\"a\":";
  expect_refused(file_of(deep, ""), "is no field of a tensor");
  expect_refused(file_of(entry("{\"shape\":" + std::string(100000, '[')), ""),
                 "a whole number is expected, and there is '['");
  // A tensor's fields.
  expect_refused(file_of(entry("{}"), ""), "tensor 'a' has neither");
  expect_refused(file_of(entry("{\"shape\":[2],\"data_offsets\":[0,8]}"), zeros(8)), "tensor 'a' has no dtype");
  expect_refused(file_of(entry("{\"dtype\":\"F32\",\"data_offsets\":[0,8]}"), zeros(8)), "tensor 'a' has no shape");
  expect_refused(file_of(entry("{\"dtype\":\"F32\",\"shape\":[2]}"), zeros(8)), "tensor 'a' has no data_offsets");
  expect_refused(file_of(entry("{\"dtype\":\"F32\",\"dtype\":\"F16\"}"), ""), "dtype of tensor 'a' is there twice");
  expect_refused(file_of(entry("{\"strides\":[1]}"), ""), "'strides' is no field of a tensor; 'a' has it");
  expect_refused(file_of(entry(tensor("F33", "[2]", "[0,8]")), zeros(8)), "dtype of tensor 'a' is 'F33'");
  expect_refused(file_of(entry("{\"dtype\":32}"), ""), "a string is expected, and there is '3'");
  for (const auto& [number, words] :
       std::vector<std::pair<std::string, std::string>>{{"-1", "there is '-'"},
                                                        {"1.5", "no whole one"},
                                                        {"1e3", "no whole one"},
                                                        {"02", "begins with a 0"},
                                                        {"\"2\"", "there is '\"'"},
                                                        {"9223372036854775808", "above 2^63-1"},
                                                        {"18446744073709551617", "above 2^63-1"},
                                                        {"NaN", "there is 'N'"},
                                                        {"", "there is ']'"}})
    expect_refused(file_of(entry(tensor("F32", "[2," + number + "]", "[0,8]")), zeros(8)), words);
  expect_refused(file_of(entry(tensor("F32", "2", "[0,8]")), zeros(8)), "'[' is expected");
  expect_refused(file_of(entry(tensor("F32", "[2]", "[0]")), zeros(8)), "',' is expected");
  expect_refused(file_of(entry(tensor("F32", "[2]", "[0,4,8]")), zeros(8)), "']' is expected");
  expect_refused(file_of(f32.substr(0, f32.size() - 1) + "," + f32.substr(1), zeros(8)), "tensor 'a' is there twice");
  expect_refused(file_of("{\"__metadata__\":{\"a\":\"1\",\"a\":\"2\"}}", ""), "'a' is there twice in __metadata__");
  expect_refused(file_of("{\"__metadata__\":{\"a\":1}}", ""), "a string is expected");
  // Places.
  expect_refused(file_of(entry(tensor("F32", "[3]", "[0,8]")), zeros(8)),
                 "tensor 'a' is of type F32 and shape [3], which is 96 bits");
  expect_refused(file_of(entry(tensor("F32", "[2]", "[8,0]")), zeros(8)), "lies at bytes 8 to 0");
  expect_refused(file_of(entry(tensor("F4", "[3]", "[0,1]")), zeros(1)), "which is 12 bits");
  expect_refused(file_of(entry(tensor("F32", "[2]", "[4,12]")), zeros(8)),
                 "tensor 'a' ends at byte 12 of the data, of which there are 8");
  expect_refused(file_of(entry(tensor("F32", "[4294967296,4294967296]", "[0,0]")), ""), "more than any memory holds");
  expect_refused(file_of(entry(tensor("F32", "[4611686018427387904]", "[0,0]")), ""), "more than any memory holds");
  expect_refused(file_of(entry(tensor("F32", "[1152921504606846976]", "[0,4611686018427387904]")), ""),
                 "more than any memory holds");
  expect_refused(file_of(entry(tensor("F32", "[1]", "[4,8]")), zeros(8)), "the bytes from 0 on belong to no tensor");
  expect_refused(file_of(entry(tensor("F32", "[1]", "[0,4]")), zeros(8)), "the last 4 bytes belong to no tensor");
  expect_refused(
      file_of("{\"a\":" + tensor("F32", "[2]", "[0,8]") + ",\"b\":" + tensor("F32", "[2]", "[4,12]") + "}", zeros(12)),
      "tensor 'b' begins at byte 4 of the data, inside tensor 'a'");
  expect_refused(
      file_of("{\"b\":" + tensor("F32", "[1]", "[8,12]") + ",\"a\":" + tensor("F32", "[1]", "[0,4]") + "}", zeros(12)),
      "tensor 'b' begins at byte 8 of the data, and the bytes from 4 on");
  // A name is kept to one line, and to a length that can be read.
  expect_refused(file_of("{\"a\\nb\":{}}", ""), "'a?b'");
  EXPECT_LT(refusal_of([&] { parse(file_of("{\"" + std::string(100000, 'x') + "\":{}}", "")); }).text.size(), 400u);
}

TEST(Safetensors, FilesThatCannotBeRead) {
  const auto folder = std::filesystem::temp_directory_path();
  EXPECT_NE(refusal_of([&] {
              Weights::read((folder / "there-is-no-such-file.safetensors").string());
            }).text.find("cannot be opened: No such file"),
            std::string::npos);
  EXPECT_NE(refusal_of([&] { Weights::read(folder.string()); }).text.find("this is a folder"), std::string::npos);
  recur_weights* set = reinterpret_cast<recur_weights*>(&set);
  EXPECT_EQ(recur_weights_read(&set, nullptr), RECUR_INVALID_ARGUMENT);
  EXPECT_EQ(set, nullptr);
  EXPECT_EQ(recur_weights_read(nullptr, "x"), RECUR_INVALID_ARGUMENT);
  EXPECT_EQ(recur_weights_parse(&set, nullptr, 8, "x"), RECUR_INVALID_ARGUMENT);
  Weights one;
  const float value = 1;
  one.add("a", {}, &value);
  EXPECT_NE(
      refusal_of([&] { one.write((folder / "no-such-folder/a.safetensors").string()); }).text.find("cannot be written"),
      std::string::npos);
  EXPECT_NE(refusal_of([&] { one.write(folder.string()); }).text.find("cannot be written"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(folder.string() + ".partial"));
}

TEST(Safetensors, WritesWhatItReads) {
  Weights set;
  const float nan = std::nanf("1234"),
              values[6] = {1.5f, -0.0f, nan, std::numeric_limits<float>::infinity(), 0x1p-149f, 3e38f};
  set.add("m", {2, 3}, values);
  set.add("quote \" back \\ line \n \u00e9", {1}, values);
  set.add("", {0}, nullptr);
  set.set_attribute("note", "a \"text\"\twith\x01more");
  set.set_attribute("note 2", "");
  const std::string path =
      (std::filesystem::temp_directory_path() / ("recur-" + std::to_string(uintptr_t(&set)) + ".safetensors")).string();
  set.write(path);
  const Weights again = Weights::read(path);
  EXPECT_EQ(difference(set, again), "");
  EXPECT_EQ(again.attribute("note"), set.attribute("note"));
  EXPECT_EQ(std::filesystem::file_size(path) % 8, 4u) << "seven floats behind a multiple of eight bytes";
  std::filesystem::remove(path);

  const std::string integers = file_of("{\"n\":{\"dtype\":\"I32\",\"shape\":[],\"data_offsets\":[0,4]}}", zeros(4));
  const Refusal refusal = refusal_of([&] { parse(integers).write(path); });
  EXPECT_NE(refusal.text.find("tensor 'n' cannot be written as F32: it is of type I32"), std::string::npos)
      << refusal.text;
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(Safetensors, SetsRefuseWhatTheyCannotHold) {
  Weights set;
  const float value = 1;
  set.add("a", {1}, &value);
  const auto expect = [](const Refusal& refusal, const char* words) {
    EXPECT_EQ(refusal.status, RECUR_INVALID_ARGUMENT);
    EXPECT_NE(refusal.text.find(words), std::string::npos) << refusal.text;
  };
  expect(refusal_of([&] { set.add("a", {1}, &value); }), "'a' is there twice");
  expect(refusal_of([&] { set.add("__metadata__", {1}, &value); }), "'__metadata__'");
  expect(refusal_of([&] { set.add("\xff", {1}, &value); }), "UTF-8");
  expect(refusal_of([&] { set.add("b", {-1}, &value); }), "shape of tensor 'b' is [-1]");
  expect(refusal_of([&] { set.add("b", {int64_t{1} << 40, int64_t{1} << 40}, &value); }), "too large");
  expect(refusal_of([&] { set.add("b", {1}, nullptr); }), "values is NULL");
  expect(refusal_of([&] { set.add("b", std::vector<int64_t>(65, 1), &value); }), "rank is 65");
  expect(refusal_of([&] { set.set_attribute("b", "\xff"); }), "UTF-8");
  expect(refusal_of([&] { set.find("b"); }), "no tensor 'b'");
  expect(refusal_of([&] { set[1]; }), "index is 1, and the set has 1");
  EXPECT_EQ(set.count(), 1u);
}

}  // namespace
}  // namespace recur::test
