// vprintf and __assertfail, as device code calls them.
#include <cstdio>
#include <mutex>

#include "exec/builtins.hpp"
#include "exec/memory.hpp"
#include "exec/ops/space.hpp"
#include "exec/warp.hpp"
#include "memory/address_space.hpp"
#include "support/error.hpp"
#include "support/format.hpp"

namespace ptxvm::exec {

namespace {

std::uint64_t argument(Warp& w, const Inst& in, int number, unsigned lane, unsigned bytes) {
  std::uint64_t v = 0;
  std::memcpy(&v, w.base[0] + in.op[2 * number] + lane * in.op[2 * number + 1], bytes);
  return v;
}

template <class T>
T read(Warp& w, const Inst& in, unsigned lane, std::uint64_t address) {
  std::uint64_t a[32], host[32];
  a[lane] = address;
  resolve_slowly(w, in, kGeneric, a, 1u << lane, sizeof(T), false, host);
  T v;
  std::memcpy(&v, reinterpret_cast<const void*>(host[lane]), sizeof v);
  return v;
}

std::string read_text(Warp& w, const Inst& in, unsigned lane, std::uint64_t address) {
  std::string s;
  if (address == 0) return "(null)";
  for (; s.size() < 4096; ++address) {
    const char c = read<char>(w, in, lane, address);
    if (!c) break;
    s += c;
  }
  return s;
}

// Arguments lie in the buffer in order, each at its own alignment; promoted as in C.
std::string formatted(Warp& w, const Inst& in, unsigned lane, const std::string& pattern,
                      std::uint64_t buffer, int* count) {
  std::string out;
  *count = 0;
  auto next = [&](unsigned bytes) {
    buffer = (buffer + bytes - 1) / bytes * bytes;
    const std::uint64_t at = buffer;
    buffer += bytes;
    ++*count;
    return at;
  };
  for (std::size_t k = 0; k < pattern.size(); ++k) {
    if (pattern[k] != '%') {
      out += pattern[k];
      continue;
    }
    if (k + 1 < pattern.size() && pattern[k + 1] == '%') {
      out += '%';
      ++k;
      continue;
    }
    std::string spec = "%";
    int longs = 0;
    for (++k; k < pattern.size(); ++k) {
      const char c = pattern[k];
      if (c == '*') {
        spec += std::to_string(read<int>(w, in, lane, next(4)));
      } else if (c == 'l' || c == 'z' || c == 'j' || c == 't') {
        longs = 2;
      } else if (c == 'h') {
        continue;
      } else if (std::string("-+ #0123456789.").find(c) != std::string::npos) {
        spec += c;
      } else {
        break;
      }
    }
    const char c = k < pattern.size() ? pattern[k] : '%';
    switch (c) {
      case 'd': case 'i':
        if (longs)
          out += format((spec + "lld").c_str(),
                        static_cast<long long>(read<std::int64_t>(w, in, lane, next(8))));
        else out += format((spec + "d").c_str(), read<int>(w, in, lane, next(4)));
        break;
      case 'u': case 'x': case 'X': case 'o':
        if (longs)
          out += format((spec + "ll" + c).c_str(),
                        static_cast<unsigned long long>(read<std::uint64_t>(w, in, lane, next(8))));
        else out += format((spec + c).c_str(), read<unsigned>(w, in, lane, next(4)));
        break;
      case 'c': out += format((spec + "c").c_str(), read<int>(w, in, lane, next(4))); break;
      case 'f': case 'F': case 'e': case 'E': case 'g': case 'G': case 'a': case 'A':
        out += format((spec + c).c_str(), read<double>(w, in, lane, next(8)));
        break;
      case 'p':
        out += format("0x%llx", static_cast<unsigned long long>(read<std::uint64_t>(w, in, lane, next(8))));
        break;
      case 's':
        out += format((spec + "s").c_str(),
                      read_text(w, in, lane, read<std::uint64_t>(w, in, lane, next(8))).c_str());
        break;
      default: out += spec + c; break;
    }
  }
  return out;
}

void device_printf(Warp& w, const Inst& in) {
  static std::mutex one_line_at_a_time;
  for (std::uint32_t m = w.mask; m; m &= m - 1) {
    const unsigned lane = unsigned(__builtin_ctz(m));
    int count = 0;
    const std::string text = formatted(w, in, lane, read_text(w, in, lane, argument(w, in, 0, lane, 8)),
                                       argument(w, in, 1, lane, 8), &count);
    {
      std::lock_guard<std::mutex> lock(one_line_at_a_time);
      std::fwrite(text.data(), 1, text.size(), stdout);
      std::fflush(stdout);
    }
    if (in.op[8] != kNone) std::memcpy(w.base[0] + in.op[8] + lane * in.op[9], &count, 4);
  }
}

// message, file, line, function, size of a character
void assertion_failed(Warp& w, const Inst& in) {
  const unsigned lane = unsigned(__builtin_ctz(w.mask));
  fault(w, in, lane, int(Status::AssertTriggered),
        "assertion `" + read_text(w, in, lane, argument(w, in, 0, lane, 8)) + "' failed in " +
            read_text(w, in, lane, argument(w, in, 1, lane, 8)) + ":" +
            std::to_string(argument(w, in, 2, lane, 4)) + " (" +
            read_text(w, in, lane, argument(w, in, 3, lane, 8)) + ")");
}

}  // namespace

Handler builtin_function(const std::string& name) {
  if (name == "vprintf") return &device_printf;
  if (name == "__assertfail") return &assertion_failed;
  return heap_function(name);
}

}  // namespace ptxvm::exec
