// The update-gate cell (UGRNN; Collins, Sohl-Dickstein and Sussillo 2017): gates in the order z n,
//   z = s(a_z)   n = tanh(a_n)   h = z h' + (1 - z) n
#include "my_cell.hpp"
#include "recur/cell.cuh"

struct UpdateGate {
  static constexpr int gates = 2, apart = 0, saved = 2, constants = 0;
  static constexpr bool state = false, direct = true, reads_h = false;

  static __device__ void forward(const recur::CellInput<UpdateGate>& in, recur::CellOutput<UpdateGate>& out) {
    const float z = recur::device::sigmoid(in.a[0]), n = tanhf(in.a[1]);
    out.h = z * in.h_previous + (1 - z) * n;
    out.saved[0] = z, out.saved[1] = n;
  }

  static __device__ void backward(const recur::CellSaved<UpdateGate>& in, recur::CellGradient<UpdateGate>& out) {
    const float z = in.saved[0], n = in.saved[1];
    out.da[0] = in.dh * (in.h_previous - n) * z * (1 - z);
    out.da[1] = in.dh * (1 - z) * (1 - n * n);
    out.dh_direct = in.dh * z;
  }
};

const recur_custom_cell update_gate = recur::describe<UpdateGate, float>();
