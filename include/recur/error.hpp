// The exception that the C++ interface throws for every status that is not a success.
#pragma once

#include <stdexcept>

#include "recur/status.h"

namespace recur {

class Error : public std::runtime_error {
 public:
  Error(recur_status status, const char* text) : std::runtime_error(text), status_(status) {}
  recur_status status() const { return status_; }

 private:
  recur_status status_;
};

inline void check(recur_status status) {
  if (status != RECUR_SUCCESS) throw Error(status, recur_last_error());
}

}  // namespace recur
