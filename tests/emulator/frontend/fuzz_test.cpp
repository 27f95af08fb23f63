// Damaged inputs by the thousand, from a seed: what is read either is read, or is refused with an Error;
// nothing else may happen. MUTATIONS in the environment asks for another number than the default,
// MUTATION_SEED for others.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>
#include <random>

#include "exec/launch.hpp"
#include "image/cubin.hpp"
#include "image/fatbin.hpp"
#include "images.hpp"
#include "ptx/ast.hpp"
#include "support/error.hpp"

namespace ptxvm {
namespace {

unsigned long from_environment(const char* name, unsigned long otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoul(text, nullptr, 10);
}

class Mutator {
 public:
  Mutator() : random_(from_environment("MUTATION_SEED", 1)) {}

  std::string mutated(const std::string& original, const std::vector<std::string>& words) {
    std::string text = original;
    for (std::size_t changes = 1 + below(4); changes > 0; changes--) change(text, words);
    return text;
  }
  std::size_t below(std::size_t n) { return n == 0 ? 0 : random_() % n; }

 private:
  void change(std::string& text, const std::vector<std::string>& words) {
    if (text.empty()) text = "x";
    const std::size_t at = below(text.size()), length = std::min(text.size() - at, below(40) + 1);
    switch (below(8)) {
      case 0:
        text[at] = static_cast<char>(text[at] ^ (1 << below(8)));
        return;
      case 1:
        text[at] = static_cast<char>(below(256));
        return;
      case 2:
        text.erase(at, length);
        return;
      case 3:
        text.insert(below(text.size()), text.substr(at, length));
        return;
      case 4:
        text.resize(at);
        return;
      case 5:  // a number of four bytes, of the kind that lengths are
        for (std::size_t i = 0; i < 4 && at + i < text.size(); i++)
          text[at + i] = static_cast<char>(below(3) * 127);
        return;
      default: {
        const std::string word =
            words.empty() ? std::string(1, static_cast<char>(below(256))) : words[below(words.size())];
        if (below(2) == 0) text.erase(at, std::min(length, word.size()));
        text.insert(at, word);
      }
    }
  }
  std::mt19937_64 random_;
};

struct Outcome {
  unsigned long read = 0, refused = 0;
};

// read gives its opinion by throwing Error, or not. Anything else is a failure, named by its number.
template <class Read>
Outcome try_many(const std::string& original, const std::vector<std::string>& words, unsigned long count,
                 Read&& read) {
  Mutator mutator;
  Outcome outcome;
  for (unsigned long i = 0; i < count; i++) {
    const std::string text = mutator.mutated(original, words);
    // Memory of exactly its size, so that a sanitizer sees a read beyond.
    const std::unique_ptr<char[]> copy(new char[text.size()]);
    std::memcpy(copy.get(), text.data(), text.size());
    try {
      read(std::string_view(copy.get(), text.size()));
      outcome.read++;
    } catch (const Error&) {
      outcome.refused++;
    } catch (const std::exception& e) {
      const std::string kept = testing::TempDir() + "ptxvm_mutation_" + std::to_string(i);
      std::ofstream(kept, std::ios::binary) << text;
      ADD_FAILURE() << "mutation " << i << ": " << e.what() << "; kept as " << kept;
    }
  }
  std::printf("%lu mutations: %lu read, %lu refused\n", count, outcome.read, outcome.refused);
  return outcome;
}

unsigned long mutations() { return from_environment("MUTATIONS", 2000); }

std::string sample_ptx() {
  const std::string file = test::read_image_file("sample.fatbin");
  return image::select_ptx(image::read_fatbin(file.data(), file.size()), 90)->bytes;
}

class FuzzFatbin : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Fuzz, FuzzFatbin, testing::Values("default", "speed", "plain"));

TEST_P(FuzzFatbin, FatBinariesAreReadOrRefused) {
  const std::string file = test::read_image_file(std::string(GetParam()) + ".fatbin");
  const Outcome outcome = try_many(file, {}, mutations(), [](std::string_view bytes) {
    for (const image::Image& image : image::read_fatbin(bytes.data(), bytes.size()))
      if (image.kind == image::Image::Kind::Cubin) image::registers_per_thread(image.bytes);
  });
  EXPECT_GT(outcome.refused, mutations() / 4);
}

TEST(Fuzz, CubinsAreReadOrRefused) {
  const std::string file = test::read_image_file("sample.fatbin");
  const auto images = image::read_fatbin(file.data(), file.size());
  const std::string cubin = image::select_cubin(images, 90)->bytes;
  try_many(cubin, {}, mutations(), [](std::string_view bytes) { image::registers_per_thread(bytes); });
}

// Text that parses is decoded too: what it holds may be nonsense that only the decoder notices.
TEST(Fuzz, PtxIsReadOrRefused) {
  const std::vector<std::string> words = {".reg",
                                          ".b32",
                                          ".pred",
                                          ".shared",
                                          ".local",
                                          ".param",
                                          ".align",
                                          ".v4",
                                          "[",
                                          "]",
                                          "{",
                                          "}",
                                          "(",
                                          ")",
                                          ",",
                                          ";",
                                          ":",
                                          "%r1",
                                          "%rd1",
                                          "%p1",
                                          "@%p1 ",
                                          "@!%p2 ",
                                          "bra",
                                          "call",
                                          "ret",
                                          "0",
                                          "-1",
                                          "4294967296",
                                          "0x7fffffffffffffff",
                                          "18446744073709551615",
                                          "99999999999999999999",
                                          "0f7F800000",
                                          "0d",
                                          "<",
                                          ">",
                                          "<100000000>",
                                          "[1000000000000]",
                                          "generic(",
                                          ".global .b8 x[",
                                          "\"",
                                          "/*",
                                          "*/",
                                          "//",
                                          "\n",
                                          ".entry",
                                          ".func",
                                          ".extern",
                                          ".loc 1 1 1",
                                          "mov.b64",
                                          "ld.param.u64",
                                          "bar.sync",
                                          ".f16x2",
                                          ".visible",
                                          "st.global.v2.f32",
                                          "_",
                                          "\xff"};
  const std::string text = sample_ptx();
  const auto begin = std::chrono::steady_clock::now();
  const Outcome outcome = try_many(text, words, mutations() / 2, [](std::string_view bytes) {
    exec::Program::load(ptx::parse(bytes), "mutated");
  });
  const std::chrono::duration<double> time = std::chrono::steady_clock::now() - begin;
  std::printf("%zu bytes of PTX, %.2f s\n", text.size(), time.count());
  EXPECT_GT(outcome.read, 0u);
  EXPECT_GT(outcome.refused, mutations() / 8);
}

}  // namespace
}  // namespace ptxvm
