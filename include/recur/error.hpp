/// The exception that the C++ interface throws for every status that is not a success. @file
#pragma once

#include <stdexcept>

#include "recur/status.h"

namespace recur {
/// A call that did not succeed: what() is the sentence of recur_last_error().
class Error : public std::runtime_error {
 public:
  Error(recur_status status, const char* text) : std::runtime_error(text), status_(status) {}  ///< text is copied
  recur_status status() const { return status_; }  ///< what the C call returned

 private:
  recur_status status_;
};
/// Throws Error unless the status is RECUR_SUCCESS; to be called on the thread of the call.
inline void check(recur_status status) {
  if (status != RECUR_SUCCESS) throw Error(status, recur_last_error());
}

}  // namespace recur
