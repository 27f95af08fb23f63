#include "tools/process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <stdexcept>

extern char** environ;

namespace ptxvm::tools {
namespace {

constexpr std::size_t kMostOutput = 64 * 1024;

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

std::vector<std::string> with(const std::vector<std::pair<std::string, std::string>>& changes) {
  std::vector<std::string> all;
  for (char** entry = environ; *entry; ++entry) {
    const std::string text = *entry;
    bool changed = false;
    for (const auto& change : changes) changed |= text.rfind(change.first + "=", 0) == 0;
    if (!changed) all.push_back(text);
  }
  for (const auto& change : changes)
    if (!change.second.empty()) all.push_back(change.first + "=" + change.second);
  return all;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> list;
  for (std::string& text : texts) list.push_back(text.data());
  list.push_back(nullptr);
  return list;
}

}  // namespace

Ending run(const std::vector<std::string>& command, const std::vector<std::pair<std::string, std::string>>& environment,
           double seconds) {
  std::vector<std::string> arguments = command, variables = with(environment);
  const std::vector<char*> argv = pointers(arguments), envp = pointers(variables);
  int out[2];
  if (::pipe2(out, O_CLOEXEC) != 0) throw std::runtime_error(std::string("pipe: ") + std::strerror(errno));
  const pid_t child = ::fork();
  if (child < 0) throw std::runtime_error(std::string("fork: ") + std::strerror(errno));
  if (child == 0) {
    ::setpgid(0, 0);
    const int null = ::open("/dev/null", O_RDONLY);
    if (null >= 0) ::dup2(null, 0);
    ::dup2(out[1], 1);
    ::dup2(out[1], 2);
    ::execvpe(argv[0], argv.data(), envp.data());
    ::dprintf(2, "%s: %s\n", argv[0], std::strerror(errno));
    ::_exit(127);
  }
  ::setpgid(child, child);
  ::close(out[1]);

  Ending end;
  const double limit = now() + seconds;
  for (;;) {
    const double left = limit - now();
    pollfd wait{out[0], POLLIN, 0};
    const int ready = left > 0 ? ::poll(&wait, 1, int(left * 1000) + 1) : 0;
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) {
      end.timed_out = true;
      ::kill(-child, SIGKILL);
      break;
    }
    char part[4096];
    const ssize_t n = ::read(out[0], part, sizeof part);
    if (n <= 0) break;
    end.output.append(part, std::min(std::size_t(n), kMostOutput - std::min(kMostOutput, end.output.size())));
  }
  // Its output may be closed before it ends.
  int status = 0;
  while (::waitpid(child, &status, end.timed_out ? 0 : WNOHANG) == 0) {
    if (now() > limit) {
      end.timed_out = true;
      ::kill(-child, SIGKILL);
    }
    ::usleep(2000);
  }
  ::close(out[0]);
  if (WIFEXITED(status)) end.exit_code = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) end.signal = WTERMSIG(status);
  return end;
}

}  // namespace ptxvm::tools
