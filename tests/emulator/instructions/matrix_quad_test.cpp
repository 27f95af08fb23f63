// mma.m8n8k4 of f16: four products at once, each in the registers of eight lanes (PTX ISA, "Matrix Fragments
// for mma.m8n8k4 with .f16 floating point type").
#include "matrix_support.hpp"

namespace instruction_test {
namespace {

int quad_of(int lane) { return lane / 4 % 4; }
int part_of(int lane) { return lane % 4 + (lane < 16 ? 0 : 4); }

Places a_places(bool row) {
  return [row](int lane, int i) {
    return row ? Place{part_of(lane), i} : Place{i % 4 + (lane < 16 ? 0 : 4), lane % 4};
  };
}
Places b_places(bool row) {
  return [row](int lane, int i) {
    return row ? Place{lane % 4, lane < 16 ? i : i + 4} : Place{i, part_of(lane)};
  };
}
Place half_place(int lane, int i) { return {part_of(lane), i}; }
Place single_place(int lane, int i) {
  const int x = (lane & 1) + (i & 2);
  return {lane < 16 ? x : x + 4, (i & 4) + (lane & 2) + (i & 1)};
}

struct Types {
  Format c, d;
};

void check_quads(bool a_row, bool b_row, const Types& types, const std::function<double()>& draw) {
  const auto accumulator = [](const Format& f) { return Fragment{f, 8, f.bits == 16 ? half_place : single_place}; };
  const std::string text = std::string("mma.sync.aligned.m8n8k4.") + (a_row ? "row." : "col.") +
                           (b_row ? "row." : "col.") + types.d.name + ".f16.f16." + types.c.name;
  const Product p{text,
                  8,
                  8,
                  4,
                  {fp16, 4, a_places(a_row)},
                  {fp16, 4, b_places(b_row)},
                  accumulator(types.c),
                  accumulator(types.d)};
  std::vector<Matrix> as, bs, cs;
  for (int q = 0; q < 4; q++) {
    as.push_back(random_matrix(8, 4, fp16, draw));
    bs.push_back(random_matrix(4, 8, fp16, draw));
    cs.push_back(random_matrix(8, 8, types.c, draw));
  }
  // Each lane's registers are those of its own quad's matrices.
  const auto gather = [](const Fragment& f, const std::vector<Matrix>& matrices) {
    std::vector<u64> words;
    for (int q = 0; q < 4; q++) {
      const std::vector<u64> all = to_registers(f, matrices[static_cast<std::size_t>(q)]);
      words.resize(all.size());
      for (std::size_t i = 0; i < all.size(); i++)
        if (quad_of(static_cast<int>(i % 32)) == q) words[i] = all[i];
    }
    return words;
  };
  const std::vector<u64> words = multiply(p, gather(p.a, as), gather(p.b, bs), gather(p.c, cs));
  for (int lane = 0; lane < 32; lane++)
    for (int i = 0; i < 8; i++) {
      const std::size_t q = static_cast<std::size_t>(quad_of(lane));
      const Place at = p.d.place(lane, i);
      const u64 word = p.d.format.bits == 16 ? words[static_cast<std::size_t>(i / 2 * 32 + lane)] >> i % 2 * 16 & 0xffff
                                             : words[static_cast<std::size_t>(i * 32 + lane)];
      const double wanted = expected(p, as[q], bs[q], cs[q]).at(at.row, at.column), got = p.d.format.decode(word);
      EXPECT_TRUE(same(got + 0.0, wanted + 0.0))
          << text << " lane " << lane << ", element " << i << ": " << got << ", not " << wanted;
    }
}

TEST(MatrixMultiply, QuadPairs) {
  for (const Types& types : {Types{fp32, fp32}, Types{fp16, fp32}, Types{fp16, fp16}})
    for (const bool a_row : {true, false})
      for (const bool b_row : {true, false}) {
        check_quads(a_row, b_row, types, [] { return static_cast<double>(static_cast<int>(generator()() % 9) - 4); });
        check_quads(a_row, b_row, types, [] { return std::normal_distribution<double>(0, 2)(generator()); });
      }
}

}  // namespace
}  // namespace instruction_test
