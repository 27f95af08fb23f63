// Exchanges within a warp: shfl, vote, activemask, match, redux, elect.
#include <functional>

#include "tables.hpp"

namespace instruction_test {
namespace {

const Shape shape{{2, 1, 1}, {96, 1, 1}};
constexpr u32 count = 192;

std::vector<u32> words(u32 most = ~0u) {
  std::vector<u32> v(count);
  for (u32& x : v) x = static_cast<u32>(generator()()) & most;
  return v;
}

// Loads word i of up to three arrays into %x, %y, %z.
std::vector<u32> with_words(const std::string& body, const std::vector<std::vector<u32>>& arrays,
                            const std::string& before = "") {
  std::vector<std::unique_ptr<Buffer>> buffers;
  std::vector<u64> addresses;
  std::string loads = ".reg .b32 %x, %y, %z, %lane;\n.reg .pred %p, %q;\nmov.u32 %lane, %laneid;\n";
  static const char* const names[] = {"%x", "%y", "%z"};
  for (std::size_t n = 0; n < arrays.size(); n++) {
    buffers.push_back(std::make_unique<Buffer>(arrays[n]));
    addresses.push_back(buffers.back()->address());
    loads +=
        "mad.wide.u32 %at, %i, 4, %q" + std::to_string(n + 1) + ";\nld.global.u32 " + names[n] + ", [%at];\n";
  }
  return values(loads + body, shape, before, addresses);
}

struct Source {
  u32 lane;
  bool inside;
};
// PTX ISA, shfl.sync: where a lane's value comes from.
Source shuffle_source(const std::string& mode, u32 lane, u32 b, u32 c) {
  const u32 n = b & 31, clamp = c & 31, segment = c >> 8 & 31;
  const u32 most = (lane & segment) | (clamp & ~segment & 31), least = lane & segment;
  u32 from = 0;
  bool inside = false;
  if (mode == "up") {
    inside = lane >= n && lane - n >= most;
    from = lane - n;
  } else {
    from = mode == "down" ? lane + n : mode == "bfly" ? lane ^ n : least | (n & ~segment);
    inside = from <= most;
  }
  return {inside ? from : lane, inside};
}

TEST(Warp, Shuffle) {
  const auto data = words();
  for (const std::string mode : {"up", "down", "bfly", "idx"})
    for (const u32 c : {0x1fu, 0x0u, 0x1c1fu, 0x181fu, 0x1807u, 0x101fu, 0x0fu, 0x1000u, 0x1f1fu}) {
      SCOPED_TRACE(mode + " c " + std::to_string(c));
      const auto distance = words(63);
      const auto got = with_words("shfl.sync." + mode + ".b32 %d|%p, %x, %y, " + std::to_string(c) +
                                      ", 0xffffffff;\n@%p xor.b32 %d, %d, 0x80000000;",
                                  {data, distance});
      for (u32 i = 0; i < count; i++) {
        const Source s = shuffle_source(mode, i % 32, distance[i], c);
        ASSERT_EQ(got[i], data[i / 32 * 32 + s.lane] ^ (s.inside ? 0x80000000u : 0))
            << "lane " << i % 32 << " by " << distance[i];
      }
    }
  // the same distance in all lanes, destination and source one register, no predicate
  const auto got = with_words("mov.u32 %d, %x;\nshfl.sync.down.b32 %d, %d, 3, 31, -1;", {data});
  for (u32 i = 0; i < count; i++) ASSERT_EQ(got[i], data[i % 32 + 3 < 32 ? i + 3 : i]);
}

// Two halves of each warp, parted by a branch, each with its own member mask.
TEST(Warp, ShuffleAmongPartedLanes) {
  const auto data = words();
  const auto got = with_words(
      "setp.lt.u32 %p, %lane, 16;\n@%p bra LOW;\nshfl.sync.bfly.b32 %d, %x, 1, 31, 0xffff0000;\n"
      "bra.uni PAST;\nLOW:\nshfl.sync.bfly.b32 %d, %x, 2, 31, 0x0000ffff;\nPAST:\nadd.u32 %d, %d, 1;",
      {data});
  for (u32 i = 0; i < count; i++) ASSERT_EQ(got[i], data[i ^ (i % 32 < 16 ? 2 : 1)] + 1);
}

// Lanes that come to the same shuffle by different ways wait for each other.
TEST(Warp, ShuffleGathersItsMembers) {
  const auto data = words();
  const auto got = with_words(
      "and.b32 %y, %lane, 3;\nmov.u32 %z, 0;\nLOOP:\nadd.u32 %z, %z, 1;\nsetp.le.u32 %p, %z, %y;\n"
      "@%p bra LOOP;\nadd.u32 %x, %x, %z;\nshfl.sync.idx.b32 %d, %x, 31, 31, -1;",
      {data});
  for (u32 i = 0; i < count; i++) ASSERT_EQ(got[i], data[i / 32 * 32 + 31] + 4);
}

// The lanes of a member mask, and the value that f makes of them.
void over_members(const std::string& body, const std::vector<std::vector<u32>>& arrays, u32 members,
                  const std::function<u32(u32 first, u32 lane)>& wanted) {
  const auto got = with_words("mov.u32 %d, 7;\nmov.u32 %z, " + std::to_string(members) +
                                  ";\nshr.u32 %z, %z, %lane;\nand.b32 %z, %z, 1;\n"
                                  "setp.eq.u32 %q, %z, 0;\n@%q bra PAST;\n" +
                                  body + "\nPAST:\n",
                              arrays);
  for (u32 i = 0; i < count; i++)
    ASSERT_EQ(got[i], (members >> i % 32 & 1) ? wanted(i / 32 * 32, i % 32) : 7u)
        << body << " lane " << i % 32;
}

const u32 member_masks[] = {~0u, 0x0f0f1234u, 0x00000001u, 0x80000001u, 0x7fffffffu};

u32 ballot(const std::vector<u32>& data, u32 first, u32 members, const std::function<bool(u32)>& test) {
  u32 r = 0;
  for (u32 l = 0; l < 32; l++) r |= static_cast<u32>((members >> l & 1) && test(data[first + l])) << l;
  return r;
}

TEST(Warp, Vote) {
  for (const u32 most : {3u, 0x70u, 0u})  // mostly, seldom and never different from zero
    for (const u32 members : member_masks) {
      auto data = words(most);
      if (most == 0x70) std::fill(data.begin(), data.begin() + 64, 16u);
      const std::string mask = ", " + std::to_string(members) + ";";
      const auto holds = [&](u32 first) {
        return ballot(data, first, members, [](u32 x) { return x != 0; });
      };
      const std::string test = "setp.ne.u32 %p, %x, 0;\n", flag = "\nselp.u32 %d, 1, 0, %q;";
      over_members(test + "vote.sync.ballot.b32 %d, %p" + mask, {data}, members,
                   [&](u32 f, u32) { return holds(f); });
      over_members(test + "vote.sync.ballot.b32 %d, !%p" + mask, {data}, members,
                   [&](u32 f, u32) { return ~holds(f) & members; });
      over_members(test + "vote.sync.all.pred %q, %p" + mask + flag, {data}, members,
                   [&](u32 f, u32) { return u32{holds(f) == members}; });
      over_members(test + "vote.sync.any.pred %q, %p" + mask + flag, {data}, members,
                   [&](u32 f, u32) { return u32{holds(f) != 0}; });
      over_members(test + "vote.sync.any.pred %q, !%p" + mask + flag, {data}, members,
                   [&](u32 f, u32) { return u32{holds(f) != members}; });
      over_members(test + "vote.sync.uni.pred %q, %p" + mask + flag, {data}, members,
                   [&](u32 f, u32) { return u32{holds(f) == members || holds(f) == 0}; });
    }
}

TEST(Warp, ActiveMask) {
  for (const u32 members : member_masks)
    over_members("activemask.b32 %d;", {}, members, [&](u32, u32) { return members; });
}

TEST(Warp, Match) {
  for (const u32 most : {3u, 1u, 0u, ~0u})
    for (const u32 members : member_masks) {
      const auto data = words(most);
      const std::string mask = ", " + std::to_string(members) + ";";
      const auto equal = [&](u32 first, u32 lane) {
        return ballot(data, first, members, [&](u32 x) { return x == data[first + lane]; });
      };
      over_members("match.any.sync.b32 %d, %x" + mask, {data}, members, equal);
      over_members("match.all.sync.b32 %d|%q, %x" + mask + "\n@%q xor.b32 %d, %d, 0x55;", {data}, members,
                   [&](u32 f, u32 l) { return equal(f, l) == members ? members ^ 0x55 : 0; });
      const std::string wide = ".reg .b64 %w;\nmov.b64 %w, {5, %x};\n";
      over_members(wide + "match.any.sync.b64 %d, %w" + mask, {data}, members, equal);
      over_members(wide + "match.all.sync.b64 %d|%q, %w" + mask, {data}, members,
                   [&](u32 f, u32 l) { return equal(f, l) == members ? members : 0; });
    }
}

TEST(Warp, Reduce) {
  const std::vector<std::pair<std::string, std::function<u32(u32, u32)>>> ops{
      {"add.u32", [](u32 a, u32 b) { return a + b; }},
      {"add.s32", [](u32 a, u32 b) { return a + b; }},
      {"min.u32", [](u32 a, u32 b) { return std::min(a, b); }},
      {"max.u32", [](u32 a, u32 b) { return std::max(a, b); }},
      {"min.s32",
       [](u32 a, u32 b) { return static_cast<u32>(std::min(static_cast<s32>(a), static_cast<s32>(b))); }},
      {"max.s32",
       [](u32 a, u32 b) { return static_cast<u32>(std::max(static_cast<s32>(a), static_cast<s32>(b))); }},
      {"and.b32", [](u32 a, u32 b) { return a & b; }},
      {"or.b32", [](u32 a, u32 b) { return a | b; }},
      {"xor.b32", [](u32 a, u32 b) { return a ^ b; }}};
  for (const auto& [name, f] : ops)
    for (const u32 members : member_masks) {
      const auto data = words();
      over_members("redux.sync." + name + " %d, %x, " + std::to_string(members) + ";", {data}, members,
                   [&, &op = f](u32 first, u32) {
                     u32 r = 0;
                     bool any = false;
                     for (u32 l = 0; l < 32; l++)
                       if (members >> l & 1) r = any ? op(r, data[first + l]) : data[first + l], any = true;
                     return r;
                   });
    }
}

// One member leads, the same for all; which one is left open.
TEST(Warp, Elect) {
  for (const u32 members : member_masks) {
    const auto got = with_words("mov.u32 %d, 99;\nmov.u32 %z, " + std::to_string(members) +
                                    ";\nshr.u32 %z, %z, %lane;\nand.b32 %z, %z, 1;\n"
                                    "setp.eq.u32 %q, %z, 0;\n@%q bra PAST;\nelect.sync %d|%p, " +
                                    std::to_string(members) + ";\n@%p add.u32 %d, %d, 1000;\nPAST:\n",
                                {});
    for (u32 first = 0; first < count; first += 32) {
      u32 leaders = 0;
      for (u32 l = 0; l < 32; l++) {
        if (!(members >> l & 1)) continue;
        const u32 value = got[first + l];
        leaders += value >= 1000;
        EXPECT_TRUE((members >> value % 1000 & 1) != 0);
        EXPECT_EQ(value % 1000, got[first + static_cast<u32>(__builtin_ctz(members))] % 1000);
        if (value >= 1000) {
          EXPECT_EQ(value - 1000, l);
        }
      }
      EXPECT_EQ(leaders, 1u);
    }
  }
}

// A warp that is not full: only its lanes are members.
TEST(Warp, LastWarpOfABlock) {
  const auto got = values(
      ".reg .pred %p;\n.reg .b32 %m;\nsetp.ge.u32 %p, %i, 0;\nactivemask.b32 %m;\n"
      "vote.sync.ballot.b32 %d, %p, %m;",
      {{1, 1, 1}, {45, 1, 1}});
  EXPECT_EQ(got[31], ~0u);
  EXPECT_EQ(got[32], 0x1fffu);
}

}  // namespace
}  // namespace instruction_test
