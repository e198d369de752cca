// One verilated tile with what surrounds it: links, core, traffic source, records.
#pragma once
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "Vtile.h"
#include "Vtile___024root.h"
#include "contract.h"
#include "words.h"

using Root = Vtile___024root;
using Flit = decltype(Root::north_in_flit);

// name, port number, port at the other end
#define FOR_EACH_MESH_PORT(DO) DO(north, 0, 2) DO(east, 1, 3) DO(south, 2, 0) DO(west, 3, 1)

#pragma pack(push, 1)
struct Event {  // EVENT_DTYPE of model/runlog.py
    uint32_t cycle;
    uint32_t tile;
    uint8_t kind;
    uint8_t vc;
    uint8_t last;
    uint32_t src;
    uint64_t payload;
};
#pragma pack(pop)
enum Kind : uint8_t { ACCEPT = 0, REFUSE = 1, DELIVER = 2 };

// What a tile drives onto its four links, copied out so that neighbours read settled values only:
// forward signals after the first half of a cycle, ready after the second. They lie apart, because
// in each half one is read while the other is written, by different workers at a band's edge.
struct alignas(64) Forward {
    uint8_t valid = 0;  // bit = port
    uint8_t vc[4] = {};
    Flit flit[4] = {};
};
struct Ready {
    uint8_t vcs[4] = {};  // by port
};
struct Links {
    Forward* forward = nullptr;
    Ready* ready = nullptr;
};

// PacketSchedule, packets grouped by source tile.
struct Traffic {
    const uint64_t* first;  // [tiles + 1] first packet of each tile
    const uint32_t* id;
    const uint32_t* destination;
    const uint32_t* length;
    const int64_t* offered;
    const uint32_t* gap;
};

struct Stalls {  // STL-1
    uint64_t threshold;
    uint64_t burst_log2;
    uint64_t seed;

    bool operator()(uint64_t tile, uint64_t cycle) const {
        if (threshold == 0) return false;
        const uint64_t draw = (cycle >> burst_log2) + 0x9E3779B97F4A7C15u;
        return (mix64((seed << 32) ^ (tile << 42) ^ draw) >> 32) < threshold;
    }
};

constexpr int64_t NEVER = std::numeric_limits<int64_t>::max();

// The first broken rule that no event shows, by cycle and tile.
struct Violation {
    int64_t cycle = NEVER;  // -1 before traffic
    uint32_t tile = 0;
    uint32_t what = 0;  // bits as Tile::observe returns them

    void note(int64_t at, uint32_t where, uint32_t found) {
        if (found && std::pair{at, where} < std::pair{cycle, tile}) *this = {at, where, found};
    }
};
constexpr unsigned STRAY_REMAP = 4;

// Sends a tile's packets with PacketSchedule's Timing.
struct Source {
    int64_t present_at = NEVER;
    uint64_t packet = 0;
    uint64_t end = 0;
    uint32_t flit = 0;
    bool presenting = false;

    void start(const Traffic& traffic, uint32_t tile) {
        packet = traffic.first[tile];
        end = traffic.first[tile + 1];
        flit = 0;
        presenting = false;
        present_at = packet < end ? traffic.offered[packet] : NEVER;
    }

    Wide present(const Traffic& traffic) {  // STM-1
        presenting = true;
        const uint64_t id = traffic.id[packet];
        const uint64_t payload = mix64((id << 16) + flit + 0x9E3779B97F4A7C15u);
        const uint64_t dst = flit == 0 ? traffic.destination[packet] : ~payload;
        return put(CORE_IN_DST, dst) | put(CORE_IN_LAST, flit + 1 == traffic.length[packet]) |
               put(CORE_IN_PAYLOAD, payload);
    }

    void accepted(const Traffic& traffic, int64_t cycle) {
        presenting = false;
        present_at = cycle + 1;
        if (++flit < traffic.length[packet]) {
            present_at += traffic.gap[packet];
        } else if (flit = 0; ++packet < end) {
            present_at = std::max(present_at, traffic.offered[packet]);
        } else {
            present_at = NEVER;
        }
    }
};

// Garbage from dead parts, a function of place and time only.
class Noise {
  public:
    Noise(uint64_t seed, uint64_t tile, uint64_t time)
        : m_state{mix64(seed ^ mix64(tile + 1) ^ (time * 0x9E3779B97F4A7C15u))} {}
    uint64_t operator()() { return m_state = mix64(m_state + 0x9E3779B97F4A7C15u); }
    Wide wide() {
        const Wide high = (*this)();
        return high << 64 | (*this)();
    }

  private:
    uint64_t m_state;
};

class Tile {
  public:
    std::unique_ptr<Vtile> model;  // null where the tile is dead
    Root* root = nullptr;
    Links links;         // its own
    Links neighbour[4];  // of the four neighbours, blank beyond the edge
    uint32_t id = 0;
    uint8_t out_ok = 0;
    uint8_t noisy_in = 0;   // mesh ports whose forward signals are garbage
    uint8_t noisy_out = 0;  // mesh ports whose ready is garbage
    bool noisy_core = false;
    Source source;

    // Settles the outputs after a change of inputs; with clk raised, moves the registers first.
    // Tracing needs the model's own eval; it does the same through a dozen virtual calls.
    void evaluate() {
#if defined(DIRECT_EVAL) && !defined(WITH_TRACE)
        Vtile___024root___eval_ico(root, true);
        Vtile___024root___eval_act(root);
        if (root->clk) Vtile___024root___eval_nba(root);
#else
        model->eval();
#endif
    }

    // First half of a cycle: inputs that other tiles' registers and the core drive.
    void drive(const Traffic& traffic, const Stalls& stalls, int64_t cycle, Noise noise) {
        root->clk = 0;
#define PULL_READY(name, port, other) root->name##_out_ready = neighbour[port].ready->vcs[other];
        FOR_EACH_MESH_PORT(PULL_READY)
#undef PULL_READY
        if (cycle >= source.present_at && !source.presenting) {
            store(root->core_in_payload, source.present(traffic));
        }
        root->core_in_valid = source.presenting;
        root->core_out_ready = !stalls(id, cycle);
        if (noisy_out | noisy_core) drive_noise(noise);
        evaluate();
#define PUBLISH(name, port, other)                       \
    if (root->name##_out_valid) {                        \
        valid |= 1 << port;                              \
        links.forward->vc[port] = root->name##_out_vc;           \
        links.forward->flit[port] = root->name##_out_flit;       \
    }
        uint8_t valid = 0;
        FOR_EACH_MESH_PORT(PUBLISH)
#undef PUBLISH
        links.forward->valid = valid;
    }

    // What happens at the core port in this cycle; returns what is wrong on the others: bit p a flit
    // at dead mesh port p (FUS-2), bit STRAY_REMAP a remap write without hold (CFG-2).
    uint8_t observe(const Traffic& traffic, int64_t cycle, std::vector<Event>& events) {
        const auto now = static_cast<uint32_t>(cycle);
        if (root->core_in_valid && root->core_in_ready) {
            const auto& flit = root->core_in_payload;
            events.push_back({now, id, ACCEPT, 0, static_cast<uint8_t>(get(flit, CORE_IN_LAST)), 0,
                              get(flit, CORE_IN_PAYLOAD)});
            if (source.presenting) source.accepted(traffic, cycle);
        }
        if (root->core_refused) events.push_back({now, id, REFUSE, 0, 0, 0, 0});
        if (root->core_out_valid && root->core_out_ready) {
            const auto& flit = root->core_out_payload;
            events.push_back({now, id, DELIVER, static_cast<uint8_t>(get(flit, CORE_OUT_VC)),
                              static_cast<uint8_t>(get(flit, CORE_OUT_LAST)),
                              static_cast<uint32_t>(get(flit, CORE_OUT_SRC)),
                              get(flit, CORE_OUT_PAYLOAD)});
        }
        const bool stray = root->remap_we && !root->hold;
        return (links.forward->valid & ~out_ok) | stray << STRAY_REMAP;
    }

    // Second half: the neighbours' forward signals, then the clock edge.
    void receive(Noise noise) {
#define PULL_FLIT(name, port, other)                                \
    if (neighbour[port].forward->valid >> other & 1) {                      \
        root->name##_in_valid = 1;                                  \
        root->name##_in_vc = neighbour[port].forward->vc[other];            \
        root->name##_in_flit = neighbour[port].forward->flit[other];        \
    } else {                                                        \
        root->name##_in_valid = 0;                                  \
    }
        FOR_EACH_MESH_PORT(PULL_FLIT)
#undef PULL_FLIT
        if (noisy_in) receive_noise(noise);
    }

    void edge(const std::vector<uint64_t>& remap) {
        const uint64_t address = root->remap_addr;
        root->clk = 1;
        evaluate();
        root->remap_data = address < remap.size() ? remap[address] : 0;  // RMP-1
#define PUBLISH_READY(name, port, other) links.ready->vcs[port] = root->name##_in_ready;
        FOR_EACH_MESH_PORT(PUBLISH_READY)
#undef PUBLISH_READY
    }

  private:
    void drive_noise(Noise& noise) {
#define NOISY_READY(name, port, other) \
    if (noisy_out >> port & 1) root->name##_out_ready = noise() & mask(VCS);
        FOR_EACH_MESH_PORT(NOISY_READY)
#undef NOISY_READY
        if (noisy_core) {
            root->core_in_valid = noise() & 1;
            root->core_out_ready = noise() & 1;
            store(root->core_in_payload, noise.wide() & mask(CORE_IN_WIDTH));
        }
    }

    void receive_noise(Noise& noise) {
#define NOISY_FLIT(name, port, other)                               \
    if (noisy_in >> port & 1) {                                     \
        root->name##_in_valid = noise() & 1;                        \
        root->name##_in_vc = noise() & mask(VC_WIDTH);              \
        store(root->name##_in_flit, noise.wide() & mask(FLIT_WIDTH)); \
    }
        FOR_EACH_MESH_PORT(NOISY_FLIT)
#undef NOISY_FLIT
    }
};
