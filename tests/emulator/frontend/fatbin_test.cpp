#include "image/fatbin.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>

#include "images.hpp"
#include "support/error.hpp"

namespace ptxvm::image {
namespace {

using test::read_image_file;

class EachCompression : public ::testing::TestWithParam<const char*> {};

INSTANTIATE_TEST_SUITE_P(Fatbin, EachCompression, ::testing::Values("default", "speed", "size", "plain"));

TEST_P(EachCompression, HoldsWhatWasAskedFor) {
  const std::string file = read_image_file(std::string(GetParam()) + ".fatbin");
  const std::vector<Image> images = read_fatbin(file.data(), file.size());
  struct Wanted {
    Image::Kind kind;
    int arch;
    Image::Portability portability;
    const char* target;
  };
  const Wanted wanted[] = {{Image::Kind::Ptx, 80, Image::Portability::Full, ".target sm_80\n"},
                           {Image::Kind::Ptx, 90, Image::Portability::Full, ".target sm_90\n"},
                           {Image::Kind::Ptx, 90, Image::Portability::Exact, ".target sm_90a\n"},
                           {Image::Kind::Ptx, 120, Image::Portability::Family, ".target sm_120f\n"},
                           {Image::Kind::Cubin, 75, Image::Portability::Full, nullptr},
                           {Image::Kind::Cubin, 90, Image::Portability::Full, nullptr},
                           {Image::Kind::Cubin, 90, Image::Portability::Exact, nullptr}};
  ASSERT_EQ(images.size(), std::size(wanted));
  for (const Wanted& one : wanted) {
    int found = 0;
    for (const Image& image : images) {
      if (image.kind != one.kind || image.arch != one.arch || image.portability != one.portability) continue;
      ++found;
      if (one.kind == Image::Kind::Ptx) {
        EXPECT_EQ(image.version_major, 9);
        EXPECT_EQ(image.version_minor, 0);
        EXPECT_NE(image.bytes.find(one.target), std::string::npos) << image.bytes;
        EXPECT_NE(image.bytes.find("ret;"), std::string::npos);
        EXPECT_NE(image.bytes.back(), '\0');
      } else {
        EXPECT_EQ(image.bytes.substr(0, 4),
                  "\x7f"
                  "ELF");
      }
    }
    EXPECT_EQ(found, 1) << one.arch;
  }
}

TEST_P(EachCompression, SameAsPlain) {
  const std::string plain = read_image_file("plain.fatbin");
  const std::string file = read_image_file(std::string(GetParam()) + ".fatbin");
  const auto expected = read_fatbin(plain.data(), plain.size());
  const auto images = read_fatbin(file.data(), file.size());
  ASSERT_EQ(images.size(), expected.size());
  for (std::size_t i = 0; i < images.size(); ++i) EXPECT_EQ(images[i].bytes, expected[i].bytes) << i;
}

TEST_P(EachCompression, ReadThroughThePointerAlone) {
  const std::string file = read_image_file(std::string(GetParam()) + ".fatbin");
  EXPECT_EQ(read_fatbin(file.data()).size(), read_fatbin(file.data(), file.size()).size());
}

// Each truncation in memory of its own, so that a sanitizer sees a read beyond it.
TEST_P(EachCompression, EveryTruncationIsRefused) {
  const std::string file = read_image_file(std::string(GetParam()) + ".fatbin");
  for (std::size_t size = 0; size < file.size(); ++size) {
    const std::unique_ptr<char[]> copy(new char[size]);
    std::memcpy(copy.get(), file.data(), size);
    try {
      read_fatbin(copy.get(), size);
      FAIL() << "read with " << size << " of " << file.size() << " bytes";
    } catch (const Error& error) {
      EXPECT_EQ(error.status(), Status::InvalidKernelImage);
    }
    // The same with a header that agrees with the shorter length.
    if (size < 16) continue;
    const std::uint64_t content = size - 16;
    std::memcpy(copy.get() + 8, &content, sizeof content);
    try {
      EXPECT_LT(read_fatbin(copy.get(), size).size(), 7u);
    } catch (const Error& error) {
      EXPECT_EQ(error.status(), Status::InvalidKernelImage);
    }
  }
}

TEST_P(EachCompression, EveryDamagedByteIsRefusedOrRead) {
  std::string file = read_image_file(std::string(GetParam()) + ".fatbin");
  for (std::size_t i = 0; i < file.size(); ++i) {
    for (const int damage : {0x01, 0x80, 0xff}) {
      file[i] = static_cast<char>(file[i] ^ damage);
      try {
        read_fatbin(file.data(), file.size());
      } catch (const Error& error) {
        EXPECT_EQ(error.status(), Status::InvalidKernelImage);
      }
      file[i] = static_cast<char>(file[i] ^ damage);
    }
  }
}

TEST(Fatbin, SaysWhatIsWrong) {
  const auto message = [](std::string file) -> std::string {
    try {
      read_fatbin(file.data(), file.size());
    } catch (const Error& error) {
      return error.what();
    }
    return "read";
  };
  const std::string good = read_image_file("default.fatbin");
  const auto with_byte = [&](std::size_t at, char value) {
    std::string bad = good;
    bad[at] = value;
    return bad;
  };
  EXPECT_NE(message(with_byte(0, 0)).find("magic"), std::string::npos);
  EXPECT_NE(message(with_byte(4, 9)).find("version 9"), std::string::npos);
  EXPECT_NE(message(with_byte(8 + 7, 1)).find("longer than its data"), std::string::npos);
  EXPECT_NE(message(with_byte(16 + 8 + 3, 1)).find("longer than the fat binary"), std::string::npos);
  EXPECT_NE(message(with_byte(16 + 80, 0x55)).find("zstd"), std::string::npos);
  EXPECT_THROW(read_fatbin(nullptr), Error);
}

Image image_of(Image::Kind kind, int arch, Image::Portability portability = Image::Portability::Full) {
  Image image;
  image.kind = kind;
  image.arch = arch;
  image.portability = portability;
  return image;
}

int selected(const Image* image) { return image == nullptr ? -1 : image->arch; }

TEST(Select, HighestPtxNotAboveTheTarget) {
  const std::vector<Image> images = {image_of(Image::Kind::Ptx, 75), image_of(Image::Kind::Ptx, 90),
                                     image_of(Image::Kind::Ptx, 80), image_of(Image::Kind::Cubin, 89)};
  EXPECT_EQ(selected(select_ptx(images, 70)), -1);
  EXPECT_EQ(selected(select_ptx(images, 75)), 75);
  EXPECT_EQ(selected(select_ptx(images, 89)), 80);
  EXPECT_EQ(selected(select_ptx(images, 90)), 90);
  EXPECT_EQ(selected(select_ptx(images, 120)), 90);
}

TEST(Select, AcceleratedOnlyWhereItBelongs) {
  const std::vector<Image> images = {
      image_of(Image::Kind::Ptx, 80), image_of(Image::Kind::Ptx, 90, Image::Portability::Exact),
      image_of(Image::Kind::Ptx, 90), image_of(Image::Kind::Ptx, 100, Image::Portability::Family)};
  EXPECT_EQ(select_ptx(images, 90), &images[1]);
  EXPECT_EQ(select_ptx(images, 100), &images[3]);
  EXPECT_EQ(select_ptx(images, 103), &images[3]);
  EXPECT_EQ(select_ptx(images, 120), &images[2]);
  EXPECT_EQ(select_ptx(images, 89), &images[0]);
}

TEST(Select, MachineCodeOfTheSameMajorAlone) {
  const std::vector<Image> images = {image_of(Image::Kind::Cubin, 80), image_of(Image::Kind::Cubin, 86),
                                     image_of(Image::Kind::Ptx, 87), image_of(Image::Kind::Cubin, 90),
                                     image_of(Image::Kind::Cubin, 100, Image::Portability::Exact)};
  EXPECT_EQ(selected(select_cubin(images, 80)), 80);
  EXPECT_EQ(selected(select_cubin(images, 89)), 86);
  EXPECT_EQ(selected(select_cubin(images, 90)), 90);
  EXPECT_EQ(selected(select_cubin(images, 100)), 100);
  EXPECT_EQ(selected(select_cubin(images, 103)), -1);
  EXPECT_EQ(selected(select_cubin(images, 75)), -1);
}

}  // namespace
}  // namespace ptxvm::image
