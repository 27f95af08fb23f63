// What the checker says.
#include "check/launch.hpp"
#include "code/program.hpp"
#include "exec/ops/space.hpp"
#include "memory/address_space.hpp"
#include "support/error.hpp"
#include "support/format.hpp"

namespace ptxvm::check {

using exec::Inst;
using exec::Warp;

namespace {

const char* scope_name(std::uint8_t kind) {
  static const char* const names[] = {".cta", ".cluster", ".gpu", ".sys"};
  return names[(kind & kScopeMask) >> kScopeShift];
}

std::string what(std::uint8_t kind, bool wrote) {
  std::string text = wrote ? "write" : kind & kNonCoherent ? "read (.nc)" : "read";
  if (kind & kStrong) text = std::string("strong ") + text + " with scope " + scope_name(kind);
  if (kind & kProxy) text += " of an asynchronous copy";
  return text;
}

}  // namespace

// "block (0,0,0), thread (5,0,0) (and 31 more of its warp), PTX line 12 (a.cu:3)"
std::string LaunchChecker::place(const Access& a) const {
  const exec::DecodedProgram& program = *image_.program;
  const exec::LineInfo& line = program.lines[a.site];
  std::string source = program.source(line);
  if (!source.empty()) source = " (" + source + ")";
  std::string who = "a copy";
  if (a.warp < kAsyncWarps) {
    const std::uint32_t n = a.warp * 32u + unsigned(__builtin_ctz(a.lanes)), x = image_.block[0], y = image_.block[1];
    who = format("thread (%u,%u,%u)", n % x, n / x % y, n / (x * y));
    if (const int more = __builtin_popcount(a.lanes) - 1) who += format(" and %d more of its warp", more);
  }
  return format("block (%u,%u,%u), %s, PTX line %d%s", a.block % image_.grid[0], a.block / image_.grid[0] % image_.grid[1],
                a.block / image_.grid[0] / image_.grid[1], who.c_str(), line.ptx, source.c_str());
}

void LaunchChecker::report(Warp& w, const Inst& in, unsigned lane, const Conflict& c, unsigned space, std::uint64_t address,
                           unsigned bytes, bool write) {
  const char* const name = space == exec::kShared ? "shared" : space == exec::kLocal ? "local" : "global";
  const std::uint8_t kind = kind_of(in);
  const std::string here = format("%s of %u bytes at %s address 0x%llx", what(kind, write).c_str(), bytes, name,
                                  static_cast<unsigned long long>(address));
  const std::string where =
      space == exec::kGlobal ? "\n  " + memory::describe(address, 1) : std::string();
  std::string text;
  switch (c.kind) {
    case Conflict::Kind::Uninitialised:
      text = "read of memory that nobody has written: " + here + where;
      break;
    case Conflict::Kind::NonCoherent:
      text = "read-only path: " + here + ", but the launch also has a " + what(c.before.kind, c.before_wrote) +
             " there; bytes read by ld.global.nc may not be written during the launch" + where + "\n  the other: " +
             place(c.before);
      break;
    case Conflict::Kind::Proxy:
      text = "proxy fence missing: " + here + " is ordered after a " + what(c.before.kind, c.before_wrote) +
             ", but fence.proxy.async does not stand between them" + where + "\n  the other: " + place(c.before);
      break;
    case Conflict::Kind::Race:
      text = "race: " + here + ", and a " + what(c.before.kind, c.before_wrote) + " is not ordered before it" + where +
             "\n  the other: " + place(c.before);
      if ((kind & c.before.kind & kStrong) && ((kind ^ c.before.kind) & kSizeMask) == 0)
        text += "\n  both are strong, but the scope of one does not reach the other";
      break;
  }
  exec::fault(w, in, lane, int(Status::LaunchFailure), text);
}

void LaunchChecker::report_operation(Warp& w, const Inst& in, unsigned lane, const std::string& other,
                                     std::uint64_t address, bool write) {
  exec::fault(w, in, lane, int(Status::LaunchFailure),
              format("race between streams: %s at global address 0x%llx, and %s, which touches the same bytes, is not ordered"
                     " before this launch by a stream, an event or the host\n  %s",
                     write ? "write" : "read", static_cast<unsigned long long>(address), other.c_str(),
                     memory::describe(address, 1).c_str()));
}

}  // namespace ptxvm::check
