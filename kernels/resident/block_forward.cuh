// Forward, all steps in one launch: a[t] + R h, then the cell's formula (kernels/cells), h from step to step through
// shared memory, c in registers. a holds both biases but for the gates taken apart, whose b_hh is added here.
//
// Step i reads tile i%2: h as the product's operand, and, on their way out, the results of step i-1 beside it; it writes
// tile (i+1)%2, which was read in step i-1, before the one barrier that ends each step. So no place is written before
// all have read it.
#pragma once

#include "kernels/resident/block.cuh"

namespace recur::kernels::resident {

struct ForwardAccess {
  int steps;          // products along the sum
  int pitch;          // elements from row to row of a tile
  bool wide_weights;  // rows of R in 8-byte accesses
  bool paired;        // H is even: two units of a row in one access
  int parts;          // tiles a step
  int y_width, saved_width, kept_width;  // elements an access
};

template <class Cell, class T, int Warps, int Kept>
class BlockForwardSweep {
  static constexpr int G = Cell::gates, A = Cell::apart, S = Cell::saved;

 public:
  __device__ BlockForwardSweep(const BlockForward& s, const ForwardAccess& access, uint4* shared)
      : s_(s), access_(access), steps_(access.steps), pitch_(access.pitch),
        plane_(kRows * access.pitch), hidden_(static_cast<int>(s.hidden)) {
    const int rest = steps_ > Kept ? steps_ - Kept : 0;
    tiles_ = reinterpret_cast<T*>(shared + steps_ * rest * G * 32);
    begin(shared);
  }

  __device__ void run() {
    float next[G][4] = {};
    load_inputs(next);
    __syncthreads();
    for (int i = 0; i < s_.steps; ++i) {
      float sums[G][4], apart[at_least_one<A>][4];
      start_sums(next, sums, apart);
      const bool more = i + 1 < s_.steps;
      if (more) load_inputs(next);
      if (i > 0) copy_out(i - 1);
      if (s_.mask.reset != nullptr) load_resets(i + 1, more || s_.more);
      r_.template multiply<T, false>(p_, tile(i), pitch_, 0, sums);
      take_step(i, sums, apart);
      __syncthreads();
    }
    copy_out(s_.steps - 1);
  }

 private:
  __device__ T* tile(int i) const { return tiles_ + (i % 2 == 0 ? 0 : access_.parts * plane_); }
  __device__ int time(int i) const { return s_.mask.time + i * s_.direction; }
  __device__ int64_t on(int64_t elements) const { return s_.direction * elements; }  // to the next step taken

  __device__ void begin(uint4* shared) {
    const T* const w = static_cast<const T*>(s_.w_hh);
    const int H = hidden_;
    r_.load(p_, shared, steps_, [&](int gate, int k) {
      return forward_fragment(w + gate * H * H, p_, H, k, access_.wide_weights);
    });
    second_ = p_.unit + 1 < H;
#pragma unroll
    for (int k = 0; k < A; ++k) {
      bias_[k][0] = bias_[k][1] = 0;
      if (p_.unit < H) load_pair(s_.b_hh + (G - A + k) * H + p_.unit, false, second_, bias_[k]);
    }
    // Both tiles of h in full, so that padding is zero for good.
    for (int column = 0; column < kRows; ++column) {
      const int64_t row = p_.first_row + column;
      const T* const from = s_.h_first == nullptr || row >= s_.batch
                                ? nullptr
                                : static_cast<const T*>(s_.h_first) + row * s_.h_first_pitch;
      for (int unit = threadIdx.x; unit < pitch_; unit += blockDim.x) {
        tile(0)[row_of_column(column) * pitch_ + unit] = from != nullptr && unit < H ? from[unit] : T(0.0f);
        tile(1)[row_of_column(column) * pitch_ + unit] = T(0.0f);
      }
    }
#pragma unroll
    for (int j = 0; j < 2; ++j) {
      const int64_t row = p_.row(j);
      const bool in = row < s_.batch;
      live_[j] = in && p_.unit < H;
      length_[j] = !in ? 0 : s_.mask.lengths != nullptr ? s_.mask.lengths[row] : INT_MAX;
      c_[j][0] = c_[j][1] = h_[j][0] = h_[j][1] = 0;
      if (live_[j] && Cell::state && s_.c_first != nullptr)
        load_pair(s_.c_first + row * H + p_.unit, false, second_, c_[j]);
      if (live_[j] && s_.h_first != nullptr)
        load_pair(static_cast<const T*>(s_.h_first) + row * s_.h_first_pitch + p_.unit, false, second_, h_[j]);
      reset_[j] = false;
      next_reset_[j] = in && s_.mask.reset != nullptr && s_.mask.reset[row] != 0;
    }
    input_ = s_.a + p_.row(0) * G * H + p_.unit;
    c_to_ = s_.c + p_.row(0) * H + p_.unit;
    const int64_t copied = p_.first_row + p_.warp;  // the warp's first row on its way out
    y_to_ = static_cast<T*>(s_.y) + copied * s_.y_pitch;
    saved_to_ = static_cast<T*>(s_.saved) + copied * S * H;
    kept_to_ = static_cast<T*>(s_.kept) + copied * H;
  }

  // W x + b of the next step, and on to the one after.
  __device__ void load_inputs(float (&to)[G][4]) {
#pragma unroll
    for (int j = 0; j < 2; ++j) {
      if (!live_[j]) continue;
#pragma unroll
      for (int gate = 0; gate < G; ++gate) {
        float two[2] = {0, 0};
        load_pair(input_ + (j * G + gate) * hidden_, access_.paired, second_, two);
        to[gate][j] = two[0], to[gate][2 + j] = two[1];
      }
    }
    input_ += on(s_.batch * G * hidden_);
  }

  __device__ void start_sums(const float (&a)[G][4], float (&sums)[G][4], float (&apart)[at_least_one<A>][4]) const {
#pragma unroll
    for (int gate = 0; gate < G; ++gate) {
#pragma unroll
      for (int k = 0; k < 4; ++k) {
        const bool with = gate < G - A;
        sums[gate][k] = with ? a[gate][k] : bias_[with ? 0 : gate - (G - A)][k / 2];
        if (!with) apart[gate - (G - A)][k] = a[gate][k];
      }
    }
  }

  // Of the step that comes to take its turn as i.
  __device__ void load_resets(int i, bool there) {
#pragma unroll
    for (int j = 0; j < 2; ++j) {
      reset_[j] = next_reset_[j];
      next_reset_[j] = there && length_[j] > 0 && s_.mask.reset[i * on(s_.batch) + p_.row(j)] != 0;
    }
  }

  __device__ void take_step(int i, const float (&sums)[G][4], const float (&apart)[at_least_one<A>][4]) {
#pragma unroll
    for (int j = 0; j < 2; ++j) {
      const bool working = time(i) < length_[j];
      CellOutput<Cell> out[2];
#pragma unroll
      for (int u = 0; u < 2; ++u) {
        out[u] = {};
        if (!working) continue;
        CellInput<Cell> in;
#pragma unroll
        for (int gate = 0; gate < G; ++gate) {
          const float sum = sums[gate][2 * u + j];
          if (gate < G - A) in.a[gate] = sum;
          else in.a[gate] = apart[gate - (G - A)][2 * u + j], in.u[gate - (G - A)] = sum;
        }
        in.h_previous = h_[j][u];
        in.c_previous = reset_[j] ? 0.0f : c_[j][u];
        in.limit = 0;
        Cell::forward(in, out[u]);
        h_[j][u] = device::to_float(device::from_float<T>(out[u].h));
        if constexpr (Cell::state) c_[j][u] = out[u].c;
      }
      T* to = tile(i + 1) + row_of_column(2 * p_.q + j) * pitch_ + p_.unit;
      const auto put = [](T* at, float first, float second) {
        *reinterpret_cast<uint32_t*>(at) = device::pair_of(device::from_float<T>(first), device::from_float<T>(second));
      };
      if (s_.saved != nullptr) {
#pragma unroll
        for (int k = 0; k < S; ++k) put(to + (1 + k) * plane_, out[0].saved[k], out[1].saved[k]);
      }
      if (s_.masked) put(to + (access_.parts - 1) * plane_, out[0].h, out[1].h);
      if (i + 1 == s_.steps && live_[j]) last(j);
      // Before the next step, which may begin with a reset. Padding stays zero.
      if (next_reset_[j] && time(i + 1) < length_[j]) h_[j][0] = h_[j][1] = 0;
      if (p_.unit < hidden_) put(to, h_[j][0], second_ ? h_[j][1] : 0);
      if (Cell::state && s_.c != nullptr && live_[j] && (s_.c_step != 0 || i + 1 == s_.steps))
        store_pair(c_to_ + j * hidden_, access_.paired, second_, c_[j]);
    }
    c_to_ += on(s_.c_step);
  }

  // hT and cT: the state after the last step, whatever comes.
  __device__ void last(int j) {
    const int64_t at = p_.row(j) * hidden_ + p_.unit;
    if (s_.h_last != nullptr) {
      T* const h = static_cast<T*>(s_.h_last) + at;
      h[0] = device::from_float<T>(h_[j][0]);
      if (second_) h[1] = device::from_float<T>(h_[j][1]);
    }
    if (Cell::state && s_.c_last != nullptr) store_pair(s_.c_last + at, false, second_, c_[j]);
  }

  // The results of step i, from tile i+1: a row by each warp.
  __device__ void copy_out(int i) {
    const bool keep = s_.masked && (i + 1 < s_.steps ? s_.kept_step != 0 : s_.more);
    for (int row = p_.warp; row < kRows && p_.first_row + row < s_.batch; row += p_.warps) {
      const T* const from = tile(i + 1) + row_of_column(row) * pitch_;
      const int64_t further = row - p_.warp;
      copy_row(from + (s_.masked ? access_.parts - 1 : 0) * plane_, y_to_ + further * s_.y_pitch, hidden_,
               access_.y_width, p_.lane);
      if (s_.saved != nullptr) {
#pragma unroll
        for (int k = 0; k < S; ++k)
          copy_row(from + (1 + k) * plane_, saved_to_ + (further * S + k) * hidden_, hidden_, access_.saved_width,
                   p_.lane);
      }
      if (keep) copy_row(from, kept_to_ + further * hidden_, hidden_, access_.kept_width, p_.lane);
    }
    y_to_ += on(s_.y_step);
    saved_to_ += on(s_.batch * S * hidden_);
    kept_to_ += on(s_.kept_step);
  }

  const BlockForward& s_;
  const ForwardAccess& access_;
  const Place p_;
  const int steps_;
  const int pitch_, plane_, hidden_;
  Fragments<G, Kept> r_;
  T* tiles_;
  const float* input_;  // of the next step, the thread's first row and unit
  float* c_to_;
  T *y_to_, *saved_to_, *kept_to_;  // of the next step to go out, the warp's first row
  float bias_[at_least_one<A>][2];
  float h_[2][2], c_[2][2];  // of the thread's two rows and two units
  int length_[2];            // of its rows: 0 beyond the batch
  bool live_[2], second_;    // there are the row and the first unit; the second unit
  bool reset_[2], next_reset_[2];  // before this step, before the next
};

template <class Cell, class T, int Warps, int Kept>
__global__ void __launch_bounds__(Warps * 32, 1)
    block_forward_kernel(const __grid_constant__ BlockForward s, const __grid_constant__ ForwardAccess access) {
  extern __shared__ uint4 shared[];
  BlockForwardSweep<Cell, T, Warps, Kept>(s, access, shared).run();
}

template <class Cell, class T>
auto forward_kernel_of(int64_t hidden) {
  constexpr BlockTile small = kSmallTile, large = large_tile(Cell::gates);
  return block_tile(Cell::gates, hidden).warps == small.warps
             ? block_forward_kernel<Cell, T, small.warps, small.kept>
             : block_forward_kernel<Cell, T, large.warps, large.kept>;
}

template <class Cell, class T>
cudaError_t prepare_block_forward(int64_t hidden, size_t most_shared) {
  return prepare_block(forward_kernel_of<Cell, T>(hidden), most_shared);
}

template <class Cell, class T>
cudaError_t block_forward(const BlockForward& s, cudaStream_t stream) {
  constexpr int G = Cell::gates, S = Cell::saved;
  const BlockTile tile = block_tile(G, s.hidden);
  const int64_t H = s.hidden;
  ForwardAccess access;
  access.steps = static_cast<int>(block_warps(H));
  access.pitch = static_cast<int>(tile_pitch(H));
  access.wide_weights = H % 4 == 0 && sweep::aligned(8, s.w_hh);
  access.paired = H % 2 == 0 && sweep::aligned(8, s.a, s.c);
  access.parts = forward_parts(S, s.saved != nullptr, s.masked);
  access.y_width = row_width(H, s.y_pitch, s.y);
  access.saved_width = row_width(H, H, s.saved);
  access.kept_width = row_width(H, H, s.kept);
  const size_t shared = block_shared_bytes(G, H, tile.kept, access.parts);
  return launch_block(forward_kernel_of<Cell, T>(H), shared, s.batch, H, stream, s, access);
}

}  // namespace recur::kernels::resident
