// cuDNN as a reference: one algorithm, with the rows padded or packed.
#pragma once

#include "bench/cudnn/network.hpp"
#include "bench/validate/reference.hpp"

namespace recur::validate {

std::unique_ptr<Reference> make_cudnn_reference(std::shared_ptr<const cudnn::Handle> handle, cudnn::Algorithm algorithm,
                                                cudnn::Layout layout);

}  // namespace recur::validate
