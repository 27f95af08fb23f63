// What a case's tensors are in cuDNN's layouts, and back; which algorithms are there.
#include "bench/validate/cudnn_reference.hpp"

#include <algorithm>

#include "bench/validate/packing.hpp"
#include "tests/support/network_run.hpp"

namespace recur::validate {
namespace {

using Buffer = DeviceBuffer<unsigned char>;

// From [T,N,columns] to [N,T,columns], or with T and N exchanged the way back.
Vector transposed(const Vector& values, int64_t T, int64_t N, int64_t columns) {
  Vector other(values.size());
  for (int64_t t = 0; t < T; ++t)
    for (int64_t n = 0; n < N; ++n)
      std::copy_n(values.begin() + (t * N + n) * columns, columns, other.begin() + (n * T + t) * columns);
  return other;
}

class CudnnReference : public Reference {
 public:
  CudnnReference(std::shared_ptr<const cudnn::Handle> handle, cudnn::Algorithm algorithm, cudnn::Layout layout)
      : handle_(std::move(handle)), algorithm_(algorithm), layout_(layout) {}

  std::string name() const override {
    return std::string("cudnn-") + cudnn::name_of(algorithm_) + (layout_ == cudnn::Layout::packed ? "-packed" : "");
  }

  Results run(const NetworkProblem& p) override {
    if (p.c.dropout) throw Refused("cuDNN draws the random numbers of dropout itself");
    try {
      return compute(p);
    } catch (const cudnn::Error& error) {
      throw Refused(error.what());
    } catch (const std::invalid_argument& error) {
      throw Refused(error.what());
    }
  }

 private:
  const std::shared_ptr<const cudnn::Handle> handle_;
  const cudnn::Algorithm algorithm_;
  const cudnn::Layout layout_;

  Results compute(const NetworkProblem& p) const {
    const reference::NetworkShape& s = p.c.shape;
    const int64_t T = s.steps, N = s.batch, H = s.hidden, R = s.state_size(), out = s.directions * R;
    const recur_type type = p.c.type;
    const bool packed = layout_ == cudnn::Layout::packed;
    const Packing packing(p.inputs.lengths.empty() ? std::vector<int64_t>(size_t(N), T) : p.inputs.lengths);
    recur_layer_descriptor layer = p.c.descriptor();
    layer.learned_states = 0;
    cudnn::Options options{layout_, {p.inputs.lengths.begin(), p.inputs.lengths.end()}};
    if (packed) {
      if (packing.rows() == 0) throw Refused("cuDNN packs no batch whose rows all have length 0");
      layer.steps = packing.steps(), layer.batch = packing.rows(), options.lengths = packing.lengths();
    }
    // The case's tensors as this layout has them, and back.
    const auto sequence = [&](const Vector& values, int64_t columns) {
      return packed ? packing.pack(values, columns) : p.c.batch_first ? transposed(values, T, N, columns) : values;
    };
    const auto from_sequence = [&](const Vector& values, int64_t columns) {
      if (packed) return packing.unpack(values, T, columns);
      Vector time_first = p.c.batch_first ? transposed(values, N, T, columns) : values;
      // What cuDNN leaves of dx beyond a row's length it does not say; ours is zero there.
      for (int64_t n = 0; n < N && !p.inputs.lengths.empty(); ++n)
        for (int64_t t = p.inputs.lengths[size_t(n)]; t < T; ++t)
          std::fill_n(time_first.begin() + (t * N + n) * columns, columns, 0.0);
      return time_first;
    };
    const auto states = [&](const Vector& values, int64_t columns) {
      return packed ? packing.pack_states(values, columns) : values;
    };
    // A row of length 0 that was left out keeps its state, and passes its gradient on.
    const auto from_states = [&](const Vector& values, const Vector& given, int64_t columns) {
      const Vector kept = given.empty() ? Vector(size_t(s.layers * s.directions * N * columns), 0.0) : given;
      return packed ? packing.unpack_states(values, kept, columns) : values;
    };

    const Stream stream;
    const auto upload = [&](Vector values) {
      for (double& value : values) value = test::rounded(type, value);
      Buffer buffer(values.size() * test::element_size(type));
      buffer.from_host(test::packed(type, values), stream);
      return buffer;
    };
    const auto download = [&](const Buffer& buffer) { return test::unpacked(type, buffer.to_host(stream)); };
    const auto room = [&](int64_t count) { return Buffer(size_t(count) * test::element_size(type)); };

    const test::LayerPlan plan = test::make_plan(layer);
    cudnn::Network network(*handle_, layer, algorithm_, options);
    const size_t parameter_count = test::sizes_of(plan).parameter_elements;
    network.set_parameters(plan.get(), upload(joined(p, plan.get(), parameter_count)).data(), stream);

    const int64_t state_rows = s.layers * s.directions * layer.batch;
    const bool has_cells = s.has_cells();
    const Buffer x = upload(sequence(p.inputs.x, s.inputs)), dy = upload(sequence(p.dy, out));
    const Buffer h0 = upload(states(p.inputs.h0, R)), c0 = upload(states(p.inputs.c0, H));
    const Buffer dhT = upload(states(p.dhT, R)), dcT = upload(states(p.dcT, H));
    const Buffer y(dy.size()), dx(x.size()), hT = room(state_rows * R), dh0 = room(state_rows * R);
    const Buffer cT = room(has_cells ? state_rows * H : 0), dc0 = room(has_cells ? state_rows * H : 0);
    network.forward(true, {x.data(), h0.data(), c0.data(), y.data(), hT.data(), cT.data()}, stream);
    network.backward({x.data(), h0.data(), c0.data(), y.data(), dy.data(), dhT.data(), dcT.data(), dx.data(),
                      dh0.data(), dc0.data()},
                     false, stream);
    const Buffer gradients = room(int64_t(parameter_count));
    network.get_gradients(plan.get(), gradients.data(), stream);

    Results results;
    results.y = from_sequence(download(y), out);
    results.dx = from_sequence(download(dx), s.inputs);
    results.hT = from_states(download(hT), p.inputs.h0, R);
    results.dh0 = p.initial(from_states(download(dh0), p.dhT, R), R, true);
    if (has_cells) {
      results.cT = from_states(download(cT), p.inputs.c0, H);
      results.dc0 = p.initial(from_states(download(dc0), p.dcT, H), H, true);
    }
    results.weights = divided(p, plan.get(), download(gradients));
    return results;
  }

  // Calls use(ours, place) for every parameter of every layer and direction.
  template <class Weights, class Use>
  static void for_each_parameter(Weights& weights, int64_t directions, const recur_layer_plan* plan, Use use) {
    const auto tensors = reference::LayerWeights::tensors();
    for (size_t pass = 0; pass < weights.size(); ++pass)
      for (size_t which = 0; which < tensors.size(); ++which) {
        auto& ours = weights[pass].*tensors[which].second;
        if (ours.empty()) continue;
        recur_parameter_place place = {};
        test::check_recur(recur_layer_get_parameter(plan, int64_t(pass) / directions, int64_t(pass) % directions,
                                                    recur_parameter(which), &place),
                          "recur_layer_get_parameter");
        use(ours, place);
      }
  }
  static Vector joined(const NetworkProblem& p, const recur_layer_plan* plan, size_t count) {
    Vector all(count);
    for_each_parameter(p.weights, p.c.shape.directions, plan, [&](const Vector& ours, recur_parameter_place place) {
      std::copy(ours.begin(), ours.end(), all.begin() + int64_t(place.offset));
    });
    return all;
  }
  static std::vector<reference::LayerWeights> divided(const NetworkProblem& p, const recur_layer_plan* plan,
                                                      const Vector& all) {
    std::vector<reference::LayerWeights> weights = p.weights;  // for the sizes
    for_each_parameter(weights, p.c.shape.directions, plan, [&](Vector& ours, recur_parameter_place place) {
      std::copy_n(all.begin() + int64_t(place.offset), ours.size(), ours.begin());
    });
    return weights;
  }
};

}  // namespace

std::unique_ptr<Reference> make_cudnn_reference(std::shared_ptr<const cudnn::Handle> handle, cudnn::Algorithm algorithm,
                                                cudnn::Layout layout) {
  return std::make_unique<CudnnReference>(std::move(handle), algorithm, layout);
}

void add_cudnn(References& references, const std::string& device) {
  const std::string title = "cudnn: cuDNN " + cudnn::version() + " is compiled and linked, and ";
  const std::string nothing = "; nothing here is validated against cuDNN";
  // It knows nothing of the emulator's memory.
  if (device.find("emulated") != std::string::npos) {
    references.about.push_back(title + "not run, since the device is emulated" + nothing);
    return;
  }
  std::shared_ptr<const cudnn::Handle> handle;
  try {
    handle = std::make_shared<const cudnn::Handle>();
  } catch (const cudnn::Error& error) {
    references.about.push_back(title + "not run (" + error.what() + ")" + nothing);
    return;
  }
  references.about.push_back(title + "run with each of its algorithms, the rows padded and packed");
  for (cudnn::Algorithm algorithm : cudnn::algorithms)
    for (cudnn::Layout layout : {cudnn::Layout::padded, cudnn::Layout::packed})
      references.all.push_back(make_cudnn_reference(handle, algorithm, layout));
}

}  // namespace recur::validate
