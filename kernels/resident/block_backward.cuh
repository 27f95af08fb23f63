// Back, all steps in one launch: from dh and dc of a step the cell's formula (kernels/cells) makes da, and
// dh' = da R follows as the product of a fragment each gate, whose sums are added in the gates' order.
//
// Step i writes da into tile i%2 before its one barrier, and reads it after: as the product's operand and on its way
// out. Tile i%2 is written again in step i+2, after the barrier of step i+1, which nobody passes before all have read it.
#pragma once

#include "kernels/resident/block.cuh"

namespace recur::kernels::resident {

struct BackwardAccess {
  int steps;                                         // products along the sum
  int pitch;                                         // elements from row to row of a tile
  bool paired_weights, paired, dy_paired, h_paired;  // two units in one access: of R; of what H alone decides; of dy, h
  int da_width, apart_width;                         // elements an access
};

template <class Cell, class T, int Warps, int Kept>
class BlockBackwardSweep {
  static constexpr int G = Cell::gates, A = Cell::apart, S = Cell::saved, kParts = G + A;

 public:
  __device__ BlockBackwardSweep(const BlockBackward& s, const BackwardAccess& access, uint4* shared)
      : s_(s), access_(access), steps_(access.steps), pitch_(access.pitch),
        plane_(kRows * access.pitch), hidden_(static_cast<int>(s.hidden)) {
    tiles_ = reinterpret_cast<T*>(shared + steps_ * (steps_ > Kept ? steps_ - Kept : 0) * G * 32);
    begin(shared);
  }

  __device__ void run() {
    Step now, next;
    load(0, now);
    for (int i = 0; i < s_.steps; ++i) {
      const bool more = i + 1 < s_.steps;
      float sums[G][4] = {};
      take_step(i, now, sums[0]);
      __syncthreads();
      if (more) load(i + 1, next);
      copy_out(i);
      if (more || s_.dh_first != nullptr)
        r_.template multiply<T, true>(p_, tile(i), pitch_, plane_, sums);
#pragma unroll
      for (int k = 0; k < 4; ++k) {
        dh_[k % 2][k / 2] = sums[0][k];
#pragma unroll
        for (int gate = 1; gate < G; ++gate) dh_[k % 2][k / 2] += sums[gate][k];
      }
      now = next;
    }
    finish();
  }

 private:
  // What a step reads, of the thread's two rows [j] and units.
  struct Step {
    float saved[2][S][2], c[2][2], c_previous[2][2], h_previous[2][2], dy[2][2];
    bool reset[2];
  };

  __device__ T* tile(int i) const { return tiles_ + (i % 2 == 0 ? 0 : kParts * plane_); }
  __device__ int time(int i) const { return s_.mask.time - i * s_.direction; }
  __device__ int64_t on(int64_t elements) const { return -s_.direction * elements; }  // to the step before

  __device__ void begin(uint4* shared) {
    const T* const w = static_cast<const T*>(s_.w_hh);
    const int H = hidden_;
    r_.load(p_, shared, steps_, [&](int gate, int k) {
      return backward_fragment(w + gate * H * H, p_, H, k, access_.paired_weights);
    });
    second_ = p_.unit + 1 < H;
#pragma unroll
    for (int j = 0; j < 2; ++j) {
      const int64_t row = p_.row(j);
      const bool in = row < s_.batch;
      live_[j] = in && p_.unit < H;
      length_[j] = !in ? 0 : s_.mask.lengths != nullptr ? s_.mask.lengths[row] : INT_MAX;
      dh_[j][0] = dh_[j][1] = dc_[j][0] = dc_[j][1] = 0;
      later_reset_[j] = false;
      if (!live_[j]) continue;
      if (s_.dh_last != nullptr) load_pair(s_.dh_last + row * H + p_.unit, false, second_, dh_[j]);
      if (Cell::state && s_.dc_last != nullptr) load_pair(s_.dc_last + row * H + p_.unit, false, second_, dc_[j]);
    }
    const int64_t row = p_.row(0);
    saved_ = static_cast<const T*>(s_.saved) + row * S * H + p_.unit;
    if (Cell::state) c_ = s_.c + row * H + p_.unit;
    if (Cell::direct) h_before_ = static_cast<const T*>(s_.h_before) + row * s_.h_pitch + p_.unit;
    dy_ = static_cast<const T*>(s_.dy) + row * s_.dy_pitch + p_.unit;
    const int64_t copied = p_.first_row + p_.warp;  // the warp's first row on its way out
    da_to_ = static_cast<T*>(s_.da) + copied * G * H;
    if (A > 0) apart_to_ = static_cast<T*>(s_.da_apart) + copied * A * H;
  }

  // What step i reads, and on to the step before it.
  __device__ void load(int i, Step& to) {
    const int H = hidden_;
    const bool first = i + 1 == s_.steps;
    const int64_t plane = on(s_.batch * H);
    to = {};
#pragma unroll
    for (int j = 0; j < 2; ++j) {
      if (!live_[j] || time(i) >= length_[j]) continue;
#pragma unroll
      for (int k = 0; k < S; ++k) load_pair(saved_ + (j * S + k) * H, access_.paired, second_, to.saved[j][k]);
      if constexpr (Cell::state) {
        load_pair(c_ + j * H, access_.paired, second_, to.c[j]);
        if (!first) load_pair(c_ + plane + j * H, access_.paired, second_, to.c_previous[j]);
        else if (s_.c_first != nullptr)
          load_pair(s_.c_first + p_.row(j) * H + p_.unit, false, second_, to.c_previous[j]);
      }
      if constexpr (Cell::direct) {
        if (!first) load_pair(h_before_ + j * s_.h_pitch, access_.h_paired, second_, to.h_previous[j]);
        else if (s_.h_first != nullptr)
          load_pair(static_cast<const T*>(s_.h_first) + p_.row(j) * s_.h_first_pitch + p_.unit, false, second_,
                    to.h_previous[j]);
      }
      if (s_.dy != nullptr && i < s_.dy_steps) load_pair(dy_ + j * s_.dy_pitch, access_.dy_paired, second_, to.dy[j]);
      to.reset[j] = s_.mask.reset != nullptr && s_.mask.reset[i * on(s_.batch) + p_.row(j)] != 0;
    }
    saved_ += plane * S;
    if (Cell::state) c_ += plane;
    if (Cell::direct) h_before_ += on(s_.h_step);
    dy_ += on(s_.dy_step);
  }

  // da of step i to its tile; direct[] gets what reaches dh' other than through R.
  __device__ void take_step(int i, const Step& now, float (&direct)[4]) {
#pragma unroll
    for (int j = 0; j < 2; ++j) {
      const bool working = time(i) < length_[j];
      CellGradient<Cell> out[2];
#pragma unroll
      for (int u = 0; u < 2; ++u) {
        out[u] = {};
        const float dh = later_reset_[j] ? 0.0f : dh_[j][u];
        if (!working) {  // the state passed unchanged, and so do its gradients
          direct[2 * u + j] = dh;
          continue;
        }
        CellSaved<Cell> in;
#pragma unroll
        for (int k = 0; k < S; ++k) in.saved[k] = now.saved[j][k][u];
        in.h = 0;
        in.h_previous = now.h_previous[j][u];
        in.c = now.c[j][u];
        in.c_previous = now.reset[j] ? 0.0f : now.c_previous[j][u];
        in.limit = 0;
        in.dh = dh + now.dy[j][u];
        in.dc = dc_[j][u];
        Cell::backward(in, out[u]);
        direct[2 * u + j] = Cell::direct ? out[u].dh_direct : 0.0f;
        if constexpr (Cell::state) dc_[j][u] = now.reset[j] ? 0.0f : out[u].dc_previous;
      }
      later_reset_[j] = working && now.reset[j];
      T* const to = tile(i) + row_of_column(2 * p_.q + j) * pitch_ + p_.unit;
#pragma unroll
      for (int part = 0; part < kParts; ++part) {
        const auto value = [&](const CellGradient<Cell>& of) {
          return device::from_float<T>(part < G ? of.da[part < G ? part : 0] : of.da_apart[part < G ? 0 : part - G]);
        };
        *reinterpret_cast<uint32_t*>(to + part * plane_) =
            device::pair_of(p_.unit < hidden_ ? value(out[0]) : T(0.0f), second_ ? value(out[1]) : T(0.0f));
      }
    }
  }

  // da of step i: a row by each warp.
  __device__ void copy_out(int i) {
    const int H = hidden_;
    for (int row = p_.warp; row < kRows && p_.first_row + row < s_.batch; row += p_.warps) {
      const T* const from = tile(i) + row_of_column(row) * pitch_;
      const int64_t further = row - p_.warp;
#pragma unroll
      for (int part = 0; part < kParts; ++part)
        copy_row(from + part * plane_,
                 part < G ? da_to_ + (further * G + part) * H : apart_to_ + (further * A + part - G) * H, H,
                 part < G ? access_.da_width : access_.apart_width, p_.lane);
    }
    da_to_ += on(s_.batch * G * H);
    if (A > 0) apart_to_ += on(s_.batch * A * H);
  }

  // dh and dc of the state before the first step; where that began with a reset, nothing reaches it.
  __device__ void finish() const {
#pragma unroll
    for (int j = 0; j < 2; ++j) {
      if (!live_[j]) continue;
      const int64_t at = p_.row(j) * hidden_ + p_.unit;
      const float dh[2] = {later_reset_[j] ? 0 : dh_[j][0], later_reset_[j] ? 0 : dh_[j][1]};
      if (s_.dh_first != nullptr) store_pair(s_.dh_first + at, false, second_, dh);
      if (Cell::state && s_.dc_first != nullptr) store_pair(s_.dc_first + at, false, second_, dc_[j]);
    }
  }

  const BlockBackward& s_;
  const BackwardAccess& access_;
  const Place p_;
  const int steps_;
  const int pitch_, plane_, hidden_;
  Fragments<G, Kept> r_;
  T* tiles_;
  const T *saved_, *h_before_, *dy_;  // of the next step to be read, the thread's first row and unit
  const float* c_;
  T *da_to_, *apart_to_;       // of the next step to go out, the warp's first row
  float dh_[2][2], dc_[2][2];  // of the thread's two rows and two units
  int length_[2];              // of its rows: 0 beyond the batch
  bool live_[2], second_;      // there are the row and the first unit; the second unit
  bool later_reset_[2];        // the step after began with a reset
};

template <class Cell, class T, int Warps, int Kept>
__global__ void __launch_bounds__(Warps * 32, 1)
    block_backward_kernel(const __grid_constant__ BlockBackward s, const __grid_constant__ BackwardAccess access) {
  extern __shared__ uint4 shared[];
  BlockBackwardSweep<Cell, T, Warps, Kept>(s, access, shared).run();
}

template <class Cell, class T>
auto backward_kernel_of(int64_t hidden) {
  constexpr BlockTile small = kSmallTile, large = large_tile(Cell::gates);
  return block_tile(Cell::gates, hidden).warps == small.warps
             ? block_backward_kernel<Cell, T, small.warps, small.kept>
             : block_backward_kernel<Cell, T, large.warps, large.kept>;
}

template <class Cell, class T>
cudaError_t prepare_block_backward(int64_t hidden, size_t most_shared) {
  return prepare_block(backward_kernel_of<Cell, T>(hidden), most_shared);
}

template <class Cell, class T>
cudaError_t block_backward(const BlockBackward& s, cudaStream_t stream) {
  constexpr int G = Cell::gates, A = Cell::apart;
  const BlockTile tile = block_tile(G, s.hidden);
  const int64_t H = s.hidden;
  BackwardAccess access;
  access.steps = static_cast<int>(block_warps(H));
  access.pitch = static_cast<int>(tile_pitch(H));
  access.paired_weights = H % 2 == 0 && sweep::aligned(4, s.w_hh);
  access.paired = H % 2 == 0 && sweep::aligned(8, s.saved, s.c);
  access.dy_paired = H % 2 == 0 && s.dy_pitch % 2 == 0 && sweep::aligned(4, s.dy);
  access.h_paired = H % 2 == 0 && s.h_pitch % 2 == 0 && sweep::aligned(4, s.h_before);
  access.da_width = row_width(H, H, s.da);
  access.apart_width = row_width(H, H, s.da_apart);
  const size_t shared = block_shared_bytes(G, H, tile.kept, backward_parts(G, A));
  return launch_block(backward_kernel_of<Cell, T>(H), shared, s.batch, H, stream, s, access);
}

}  // namespace recur::kernels::resident
