#include "safetensors.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <set>
#include <utility>

#include "../check.hpp"
#include "element_types.hpp"
#include "json.hpp"

namespace recur {
namespace {

constexpr uint64_t kMostHeader = 100000000;  // the format's own limit
constexpr size_t kPrefix = 8;                // bytes that give the header's length

[[noreturn]] void reject(const std::string& reason) { throw Failure(RECUR_INVALID_ARGUMENT, reason); }

struct Entry {
  Tensor tensor;
  int64_t begin, end;  // bytes of the data
};

// "a": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, behind the colon.
Entry read_entry(JsonReader& json, const std::string& name) {
  Entry entry = {};
  entry.tensor.name = name;
  std::set<std::string> seen;
  const std::string of = " of tensor " + in_quotes(name);
  json.expect('{');
  if (json.next_is('}')) json.fail("tensor " + in_quotes(name) + " has neither dtype nor shape nor data_offsets");
  do {
    const std::string key = json.string();
    if (!seen.insert(key).second) json.fail(key + of + " is there twice");
    json.expect(':');
    if (key == "dtype") {
      entry.tensor.type = json.string();
      if (element_bits(entry.tensor.type) == 0)
        json.fail("dtype" + of + " is " + in_quotes(entry.tensor.type) + ", which is no type of the format");
    } else if (key == "shape") {
      json.expect('[');
      if (json.next_is(']')) continue;  // a number alone
      do entry.tensor.shape.push_back(json.size());
      while (json.more(']'));
    } else if (key == "data_offsets") {
      json.expect('[');
      entry.begin = json.size();
      json.expect(',');
      entry.end = json.size();
      json.expect(']');
    } else {
      json.fail(in_quotes(key) + " is no field of a tensor; " + in_quotes(name) + " has it");
    }
  } while (json.more('}'));
  for (const char* key : {"dtype", "shape", "data_offsets"})
    if (seen.count(key) == 0) json.fail("tensor " + in_quotes(name) + " has no " + key);
  return entry;
}

void read_metadata(JsonReader& json, std::map<std::string, std::string>& attributes) {
  json.expect('{');
  if (json.next_is('}')) return;
  do {
    const std::string key = json.string();
    json.expect(':');
    if (!attributes.emplace(key, json.string()).second) json.fail(in_quotes(key) + " is there twice in __metadata__");
  } while (json.more('}'));
}

std::vector<Entry> read_header(JsonReader& json, std::map<std::string, std::string>& attributes) {
  std::vector<Entry> entries;
  std::set<std::string> names;
  json.expect('{');
  if (!json.next_is('}')) {
    do {
      const std::string name = json.string();
      if (!names.insert(name).second) json.fail("tensor " + in_quotes(name) + " is there twice");
      json.expect(':');
      if (name == "__metadata__") {
        read_metadata(json, attributes);
      } else {
        entries.push_back(read_entry(json, name));
      }
    } while (json.more('}'));
  }
  json.expect_end();
  return entries;
}

// A tensor's bytes are as many as its shape says, they lie in the file, and each byte belongs to one tensor.
void check_places(std::vector<Entry>& entries, size_t data_size, const std::string& where) {
  std::stable_sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  uint64_t covered = 0;
  std::string last;
  for (const Entry& entry : entries) {
    const Tensor& t = entry.tensor;
    const std::string tensor = where + "tensor " + in_quotes(t.name);
    int64_t bits = elements_of(t.shape);
    if (bits < 0 || __builtin_mul_overflow(bits, element_bits(t.type), &bits))
      reject(tensor + " has the shape " + text_of(t.shape) + ", which is more than any memory holds");
    if (entry.begin > entry.end || bits % 8 != 0 || entry.end - entry.begin != bits / 8)
      reject(tensor + " is of type " + t.type + " and shape " + text_of(t.shape) + ", which is " +
             std::to_string(bits) + " bits, and lies at bytes " + std::to_string(entry.begin) + " to " +
             std::to_string(entry.end));
    if (static_cast<uint64_t>(entry.end) > data_size)
      reject(tensor + " ends at byte " + std::to_string(entry.end) + " of the data, of which there are " +
             std::to_string(data_size) + ": the file is truncated, or its header is wrong");
    const uint64_t begin = static_cast<uint64_t>(entry.begin);
    if (begin < covered)
      reject(tensor + " begins at byte " + std::to_string(begin) + " of the data, inside tensor " + in_quotes(last));
    if (begin > covered)
      reject(tensor + " begins at byte " + std::to_string(begin) + " of the data, and the bytes from " +
             std::to_string(covered) + " on belong to no tensor");
    covered = static_cast<uint64_t>(entry.end);
    last = t.name;
  }
  if (covered < data_size)
    reject(where + "the last " + std::to_string(data_size - covered) + " bytes belong to no tensor");
}

struct Close {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, Close>;

std::string reason_of(int error) { return std::strerror(error); }

}  // namespace

TensorSet parse_safetensors(const void* memory, size_t size, const std::string& origin) {
  TensorSet set;
  set.origin = origin;
  const std::string where = set.where(), no_file = ": this is no safetensors file";
  const auto* bytes = static_cast<const unsigned char*>(memory);
  if (size < kPrefix)
    reject(where + "there are " + std::to_string(size) + " bytes, and the header's length alone takes 8" + no_file);
  uint64_t length = 0;
  for (size_t k = kPrefix; k-- > 0;) length = length << 8 | bytes[k];
  if (length > kMostHeader)
    reject(where + "the header would have " + std::to_string(length) + " bytes, more than " +
           std::to_string(kMostHeader) + no_file);
  if (length > size - kPrefix)
    reject(where + "the header would have " + std::to_string(length) + " bytes, and after its length there are " +
           std::to_string(size - kPrefix) + ": the file is truncated, or no safetensors file");
  const std::string header(reinterpret_cast<const char*>(bytes) + kPrefix, static_cast<size_t>(length));
  if (header.empty() || header[0] != '{') reject(where + "the header does not begin with '{'" + no_file);
  if (!is_utf8(header)) reject(where + "the header is no UTF-8" + no_file);

  JsonReader json(header.data(), header.size(), where);
  std::vector<Entry> entries = read_header(json, set.attributes);
  const unsigned char* data = bytes + kPrefix + length;
  check_places(entries, size - kPrefix - static_cast<size_t>(length), where);
  for (Entry& entry : entries) {
    Tensor& t = entry.tensor;
    t.unreadable = read_floats(t.type, data + entry.begin, static_cast<size_t>(elements_of(t.shape)), &t.values);
    set.add(std::move(t));
  }
  return set;
}

TensorSet read_safetensors(const std::string& path) {
  std::error_code none;
  if (std::filesystem::is_directory(path, none)) reject(path + ": this is a folder");
  const File file(std::fopen(path.c_str(), "rb"));
  if (file == nullptr) reject(path + ": it cannot be opened: " + reason_of(errno));
  std::vector<unsigned char> bytes;
  unsigned char part[1 << 16];
  while (const size_t count = std::fread(part, 1, sizeof part, file.get()))
    bytes.insert(bytes.end(), part, part + count);
  if (std::ferror(file.get()) != 0) reject(path + ": it cannot be read: " + reason_of(errno));
  return parse_safetensors(bytes.data(), bytes.size(), path);
}

std::string safetensors_header(const TensorSet& set) {
  std::string header = "{";
  if (!set.attributes.empty()) {
    header += "\"__metadata__\":{";
    for (const auto& [name, text] : set.attributes)
      header += (header.back() == '{' ? "" : ",") + json_string(name) + ":" + json_string(text);
    header += "}";
  }
  size_t at = 0;
  for (const Tensor& t : set.tensors()) {
    if (!t.unreadable.empty())
      reject(set.where() + "tensor " + in_quotes(t.name) + " cannot be written as F32: it " + t.unreadable);
    const size_t end = at + t.values.size() * sizeof(float);
    header += (header.size() > 1 ? "," : "") + json_string(t.name) +
              ":{\"dtype\":\"F32\",\"shape\":" + text_of(t.shape) + ",\"data_offsets\":[" + std::to_string(at) + "," +
              std::to_string(end) + "]}";
    at = end;
  }
  header += "}";
  header.resize((header.size() + 7) / 8 * 8, ' ');  // so that the data are aligned
  if (header.size() > kMostHeader) reject(set.where() + "its names and attributes are more than a header may have");
  std::string length;
  for (size_t k = 0; k < kPrefix; ++k) length += static_cast<char>(header.size() >> 8 * k & 0xFF);
  return length + header;
}

void write_safetensors(const TensorSet& set, const std::string& path) {
  const std::string header = safetensors_header(set), partial = path + ".partial";
  File file(std::fopen(partial.c_str(), "wb"));
  if (file == nullptr) reject(partial + ": it cannot be written: " + reason_of(errno));
  bool written = std::fwrite(header.data(), 1, header.size(), file.get()) == header.size();
  for (const Tensor& t : set.tensors()) {
    for (const float value : t.values) {
      uint32_t bits = 0;
      std::memcpy(&bits, &value, sizeof bits);
      unsigned char bytes[4];
      for (int k = 0; k < 4; ++k) bytes[k] = static_cast<unsigned char>(bits >> 8 * k);
      written = written && std::fwrite(bytes, 1, 4, file.get()) == 4;
    }
  }
  written = std::fflush(file.get()) == 0 && written;
  const int error = errno;
  file.reset();
  if (written && std::rename(partial.c_str(), path.c_str()) == 0) return;
  const std::string reason = reason_of(written ? errno : error);
  std::remove(partial.c_str());
  reject(path + ": it cannot be written: " + reason);
}

}  // namespace recur
