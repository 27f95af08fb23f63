// Fat binaries as nvcc embeds them: what images one holds, and which of them a driver would take.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace ptxvm::image {

struct Image {
  enum class Kind { Ptx, Cubin };
  // Which devices it is for beside its own architecture: later ones too, those of its family
  // (compute_120f), or none (compute_90a).
  enum class Portability { Full, Family, Exact };

  Kind kind = Kind::Ptx;
  int arch = 0;  // 90 for sm_90 and compute_90
  Portability portability = Portability::Full;
  int version_major = 0, version_minor = 0;  // of the PTX; of the format for machine code
  std::string bytes;                         // decompressed: PTX text without trailing zeros, or an ELF file

  bool accelerated() const { return portability != Portability::Full; }
};

// wrapper_data is what the wrapper given to __cudaRegisterFatBinary points to. Its own header is the only
// word on its length, so a wrong length there cannot be noticed; everything inside it is checked. Throws
// InvalidKernelImage. Images of other kinds (link-time intermediate code) are left out.
std::vector<Image> read_fatbin(const void* wrapper_data);

// The same for a fat binary of known size, such as a file.
std::vector<Image> read_fatbin(const void* data, std::size_t size);

// The image that a driver would take for a device (90 for sm_90); null where none will do. PTX: the highest
// architecture not above the target. Machine code: that of the target's major number alone.
const Image* select_ptx(const std::vector<Image>& images, int target);
const Image* select_cubin(const std::vector<Image>& images, int target);

}  // namespace ptxvm::image
