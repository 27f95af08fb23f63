#include "image/cubin.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <memory>
#include <regex>

#include "image/fatbin.hpp"
#include "images.hpp"
#include "support/error.hpp"

namespace ptxvm::image {
namespace {

using test::read_image_file;

std::string cubin_of(const std::string& name, int arch) {
  const std::string file = read_image_file(name);
  const auto images = read_fatbin(file.data(), file.size());
  const Image* image = select_cubin(images, arch);
  return image == nullptr ? std::string() : image->bytes;
}

// ptxas -v: "Compiling entry function 'name' for 'sm_90'", then "Used 12 registers".
std::map<std::string, int> registers_that_ptxas_told(const std::string& log) {
  std::map<std::string, int> told;
  std::istringstream lines(log);
  std::string line, name;
  const std::regex entry("Compiling entry function '([^']+)' for 'sm_90'"), used("Used ([0-9]+) registers");
  while (std::getline(lines, line)) {
    std::smatch match;
    if (std::regex_search(line, match, entry)) name = match[1];
    if (!name.empty() && std::regex_search(line, match, used)) {
      told[name] = std::stoi(match[1]);
      name.clear();
    }
  }
  return told;
}

TEST(Cubin, RegistersAreWhatPtxasTold) {
  const auto told = registers_that_ptxas_told(read_image_file("sample.fatbin.log"));
  ASSERT_GE(told.size(), 10u);
  const auto read = registers_per_thread(cubin_of("sample.fatbin", 90));
  for (const auto& [name, count] : told) {
    ASSERT_EQ(read.count(name), 1u) << name;
    EXPECT_EQ(read.at(name), count) << name;
  }
}

TEST(Cubin, EveryTruncationIsRefusedOrRead) {
  const std::string cubin = cubin_of("plain.fatbin", 90);
  ASSERT_EQ(registers_per_thread(cubin).count("scale"), 1u);
  for (std::size_t size = 0; size < cubin.size(); ++size) {
    const std::unique_ptr<char[]> copy(new char[size]);
    std::memcpy(copy.get(), cubin.data(), size);
    try {
      registers_per_thread(std::string_view(copy.get(), size));
    } catch (const Error& error) {
      EXPECT_EQ(error.status(), Status::InvalidKernelImage);
    }
  }
  EXPECT_THROW(registers_per_thread(std::string_view(cubin).substr(0, cubin.size() / 2)), Error);
}

TEST(Cubin, EveryDamagedByteIsRefusedOrRead) {
  std::string cubin = cubin_of("plain.fatbin", 75);
  for (char& byte : cubin) {
    for (const int damage : {0x01, 0x40, 0x80, 0xff}) {
      byte = static_cast<char>(byte ^ damage);
      try {
        registers_per_thread(cubin);
      } catch (const Error& error) {
        EXPECT_EQ(error.status(), Status::InvalidKernelImage);
      }
      byte = static_cast<char>(byte ^ damage);
    }
  }
}

}  // namespace
}  // namespace ptxvm::image
