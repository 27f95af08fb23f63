#include "image/fatbin.hpp"

#include <lz4.h>
#include <zstd.h>

#include <cstdint>
#include <limits>
#include <string_view>

#include "image/bytes.hpp"

namespace ptxvm::image {
namespace {

constexpr std::uint32_t kMagic = 0xBA55ED50;
constexpr std::size_t kHeaderSize = 16;

// An entry's header; what follows these fields (names, options) is not needed.
constexpr std::size_t kEntrySize = 64;
constexpr std::size_t kKindAt = 0, kEntrySizeAt = 4, kPayloadSizeAt = 8, kCompressedSizeAt = 16,
                      kMinorAt = 24, kMajorAt = 26, kArchAt = 28, kFlagsAt = 40, kPlainSizeAt = 56;
constexpr std::uint16_t kKindPtx = 1, kKindCubin = 2;
constexpr std::uint64_t kFlagLz4 = 0x2000, kFlagZstd = 0x8000, kFlagExact = 0x100000, kFlagFamily = 0x200000;

// No image comes near it; it bounds what a damaged header can ask for.
constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 30;

std::string decompress(std::string_view packed, std::uint64_t plain_size, std::uint64_t flags) {
  if (plain_size > kMostBytes || packed.size() > kMostBytes) fail("fat binary: image too large");
  if ((flags & kFlagZstd) != 0) {
    const auto told = ZSTD_getFrameContentSize(packed.data(), packed.size());
    if (told == ZSTD_CONTENTSIZE_ERROR || (told != ZSTD_CONTENTSIZE_UNKNOWN && told != plain_size)) {
      fail("fat binary: zstd data does not begin as its header says");
    }
    std::string plain(plain_size, '\0');
    const std::size_t result = ZSTD_decompress(&plain[0], plain.size(), packed.data(), packed.size());
    if (ZSTD_isError(result) != 0) fail(std::string("fat binary: zstd: ") + ZSTD_getErrorName(result));
    if (result != plain_size) fail("fat binary: zstd image shorter than its header says");
    return plain;
  }
  // LZ4 makes at most 255 bytes of one.
  if (plain_size / 255 > packed.size()) fail("fat binary: LZ4 image shorter than its header says");
  std::string plain(plain_size, '\0');
  const int result = LZ4_decompress_safe(packed.data(), &plain[0], static_cast<int>(packed.size()),
                                         static_cast<int>(plain.size()));
  if (result < 0) fail("fat binary: LZ4 data is damaged");
  if (static_cast<std::uint64_t>(result) != plain_size) {
    fail("fat binary: LZ4 image shorter than its header says");
  }
  return plain;
}

Image read_entry(std::string_view header, std::string_view payload) {
  Image image;
  image.kind = load<std::uint16_t>(header, kKindAt) == kKindPtx ? Image::Kind::Ptx : Image::Kind::Cubin;
  image.version_minor = load<std::uint16_t>(header, kMinorAt);
  image.version_major = load<std::uint16_t>(header, kMajorAt);
  const auto arch = load<std::uint32_t>(header, kArchAt);
  if (arch == 0 || arch > 10000) fail("fat binary: unknown architecture " + std::to_string(arch));
  image.arch = static_cast<int>(arch);
  const auto flags = load<std::uint64_t>(header, kFlagsAt);
  if ((flags & kFlagExact) != 0) {
    image.portability = Image::Portability::Exact;
  } else if ((flags & kFlagFamily) != 0) {
    image.portability = Image::Portability::Family;
  }
  if ((flags & (kFlagZstd | kFlagLz4)) != 0) {
    const std::uint64_t packed_size = load<std::uint32_t>(header, kCompressedSizeAt);
    if (packed_size > payload.size()) fail("fat binary: compressed image longer than its entry");
    image.bytes =
        decompress(payload.substr(0, packed_size), load<std::uint64_t>(header, kPlainSizeAt), flags);
  } else {
    image.bytes = std::string(payload);
  }
  if (image.kind == Image::Kind::Ptx) {
    while (!image.bytes.empty() && image.bytes.back() == '\0') image.bytes.pop_back();
  }
  return image;
}

// Higher is better; negative: not for this device.
int rank(const Image& image, int target) {
  if (image.arch > target) return -1;
  switch (image.portability) {
    case Image::Portability::Exact:
      if (image.arch != target) return -1;
      return image.arch * 4 + 2;
    case Image::Portability::Family:
      if (image.arch / 10 != target / 10) return -1;
      return image.arch * 4 + 1;
    case Image::Portability::Full:
      break;
  }
  if (image.kind == Image::Kind::Cubin && image.arch / 10 != target / 10) return -1;
  return image.arch * 4;
}

const Image* select(const std::vector<Image>& images, Image::Kind kind, int target) {
  const Image* best = nullptr;
  int best_rank = -1;
  for (const Image& image : images) {
    if (image.kind != kind) continue;
    const int its_rank = rank(image, target);
    if (its_rank <= best_rank) continue;
    best = &image;
    best_rank = its_rank;
  }
  return best;
}

}  // namespace

std::vector<Image> read_fatbin(const void* wrapper_data) {
  if (wrapper_data == nullptr) fail("fat binary: no data");
  return read_fatbin(wrapper_data, std::numeric_limits<std::size_t>::max());
}

std::vector<Image> read_fatbin(const void* data, std::size_t size) {
  const char* start = static_cast<const char*>(data);
  if (size < kHeaderSize) fail("fat binary: shorter than its header");
  const std::string_view header(start, kHeaderSize);
  if (load<std::uint32_t>(header, 0) != kMagic) fail("fat binary: not one, the magic number is missing");
  if (load<std::uint16_t>(header, 4) != 1) {
    fail("fat binary: unknown version " + std::to_string(load<std::uint16_t>(header, 4)));
  }
  const std::uint64_t header_size = load<std::uint16_t>(header, 6);
  const auto content_size = load<std::uint64_t>(header, 8);
  if (header_size < kHeaderSize || header_size > size || content_size > size - header_size ||
      content_size > static_cast<std::uint64_t>(std::numeric_limits<std::ptrdiff_t>::max()) - header_size) {
    fail("fat binary: longer than its data");
  }

  std::vector<Image> images;
  std::string_view rest(start + header_size, content_size);
  while (!rest.empty()) {
    if (rest.size() < kEntrySize) fail("fat binary: an entry ends too early");
    const std::uint64_t entry_size = load<std::uint32_t>(rest, kEntrySizeAt);
    const auto payload_size = load<std::uint64_t>(rest, kPayloadSizeAt);
    if (entry_size < kEntrySize || entry_size > rest.size() || payload_size > rest.size() - entry_size) {
      fail("fat binary: an entry is longer than the fat binary");
    }
    const auto kind = load<std::uint16_t>(rest, kKindAt);
    if (kind == kKindPtx || kind == kKindCubin) {
      images.push_back(read_entry(rest.substr(0, entry_size), rest.substr(entry_size, payload_size)));
    }
    rest.remove_prefix(entry_size + payload_size);
  }
  return images;
}

const Image* select_ptx(const std::vector<Image>& images, int target) {
  return select(images, Image::Kind::Ptx, target);
}

const Image* select_cubin(const std::vector<Image>& images, int target) {
  return select(images, Image::Kind::Cubin, target);
}

}  // namespace ptxvm::image
