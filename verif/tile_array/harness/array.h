// Width x height instances of the verilated tile, wired and clocked as a fabric (design.md §8b).
#pragma once
#include <algorithm>
#include <cstring>

#include "pool.h"
#include "tile.h"

#if WITH_TRACE == 2
#include "verilated_fst_c.h"
using TraceFile = VerilatedFstC;
#elif WITH_TRACE == 1
#include "verilated_vcd_c.h"
using TraceFile = VerilatedVcdC;
#endif

struct Setup {
    int32_t width;
    int32_t height;
    int32_t threads;
    const uint8_t* live;
    const uint8_t* core_ok;
    const uint8_t* in_ok;   // [tiles, 4]
    const uint8_t* out_ok;  // [tiles, 4]
    const uint8_t* traced;
    uint64_t seed;
};

struct Bus {
    uint8_t valid, write, any_x, any_y, table;
    uint32_t x, y, index;
    const uint64_t* data;  // one word, or one per tile
    uint64_t stride;       // 0 or 1
};

// What one worker writes while it sweeps its rows; a cache line is never shared.
struct alignas(64) Band {
    std::vector<Event> events;
    Violation violation;
};

class Array {
  public:
    explicit Array(const Setup& setup)
        : m_width{setup.width}, m_height{setup.height}, m_seed{setup.seed},
          m_bands{std::clamp(setup.threads, 1, setup.height)}, m_pool(m_bands), m_barrier(m_bands),
          m_contexts(m_bands + 1), m_band(m_bands),
          m_stride((m_width + 2 + LINE - 1) / LINE * LINE), m_forward(m_stride * (m_height + 2)),
          m_ready(m_forward.size() / LINE), m_tiles(m_width * m_height), m_remap(m_tiles.size()),
          m_none(m_tiles.size() + 1) {
        m_traffic.first = m_none.data();
        for (auto& context : m_contexts) {
            context = std::make_unique<VerilatedContext>();
            context->randReset(2);  // registers that reset leaves alone start with anything (CFG-3)
        }
#ifdef WITH_TRACE
        m_contexts.back()->traceEverOn(true);
#endif
        // One thread makes all tiles, in order: with a heap of its own for each worker, two workers
        // were measured a tenth slower at 128 x 128.
        for (unsigned band = 0; band < m_bands; ++band) {
            for (int y = row(band); y < row(band + 1); ++y) {
                for (int x = 0; x < m_width; ++x) {
                    const bool traced = setup.traced[y * m_width + x];
                    make(setup, x, y, *m_contexts[traced ? m_bands : band]);
                }
            }
        }
    }

    void traffic(const Traffic& traffic, const Stalls& stalls) {
        m_traffic = traffic;
        m_stalls = stalls;
        m_cycle = 0;
        for (auto& band : m_band) band.events.clear();
        for (auto& tile : m_tiles) tile.source.start(m_traffic, tile.id);
    }

    // One cycle with reset, hold and configuration bus as given, the traffic running on or, before
    // cycle 0, not; returns `idle` of the next cycle.
    bool step(bool reset, bool hold, const Bus& bus, bool running) {
        for_live([&](Tile& tile) { set_pins(tile, reset, hold, bus); });
        plain_cycle(reset, hold, running);
        return m_idle;
    }

    void run(int64_t cycles) {
        const int64_t end = m_cycle + cycles;
        const Bus silent{.data = &SILENCE};
        // The first cycle still sees `idle` high; waves want both halves of a cycle settled.
        while (m_cycle < end && (m_cycle == 0 || m_tracing)) {
            step(false, false, silent, true);
        }
        if (m_cycle == end) return;
        for_live([&](Tile& tile) { set_pins(tile, false, false, silent); });
        m_pool.run([&](unsigned band) { sweep(band, m_cycle, end); });
        m_now += end - m_cycle;
        m_cycle = end;
    }

    // A word as a bus read in the present cycle would see it, every tile for itself; no state moves.
    void read(unsigned table, uint32_t index, uint64_t* words) {
        for (auto& tile : m_tiles) {
            words[tile.id] = 0;
            if (!tile.model) continue;
            std::vector<char> saved(sizeof(Root));
            std::memcpy(saved.data(), static_cast<void*>(tile.root), sizeof(Root));
            Root& r = *tile.root;
            const Bus bus{.valid = 1, .any_x = 1, .any_y = 1, .table = static_cast<uint8_t>(table),
                          .index = index, .data = &SILENCE};
            set_pins(tile, false, m_idle, bus);
            for (int half = 0; half < 3; ++half) {
                r.clk = half & 1;
                const uint64_t address = r.remap_addr;
                tile.evaluate();
                if (half == 1) r.remap_data = address < m_remap.size() ? m_remap[address] : 0;
            }
            words[tile.id] = r.cfg_rdata;
            std::memcpy(static_cast<void*>(tile.root), saved.data(), sizeof(Root));
        }
    }

    void quiet(uint8_t* quiet) const {
        for (const auto& tile : m_tiles) quiet[tile.id] = tile.model ? tile.root->quiet : 1;
    }
    bool sent() const {
        return std::all_of(m_tiles.begin(), m_tiles.end(),
                           [](const Tile& tile) { return tile.source.packet == tile.source.end; });
    }
    Violation violation() const {
        Violation first;
        for (const auto& band : m_band) {
            first.note(band.violation.cycle, band.violation.tile, band.violation.what);
        }
        return first;
    }
    uint64_t* remap() { return m_remap.data(); }
    const std::vector<Event>& events(unsigned band) const { return m_band[band].events; }
    unsigned bands() const { return m_bands; }

#ifdef WITH_TRACE
    void trace(const char* path, int64_t begin, int64_t end) {
        m_trace = std::make_unique<TraceFile>();
        m_contexts.back()->trace(m_trace.get(), 99);
        m_trace->open(path);
        m_begin = begin;
        m_end = end;
        m_tracing = true;
    }
    void close_trace() {
        m_trace->close();
        m_tracing = false;
    }
#endif

  private:
    static constexpr uint64_t SILENCE = 0;
    static constexpr int LINE = 16;
    struct alignas(64) ReadyLine {
        Ready places[LINE];
    };

    Links links(int place) {
        return {&m_forward[place], &m_ready[place / LINE].places[place % LINE]};
    }

    int row(unsigned band) const { return static_cast<int64_t>(m_height) * band / m_bands; }

    void make(const Setup& setup, int x, int y, VerilatedContext& context) {
        const uint32_t id = y * m_width + x;
        Tile& tile = m_tiles[id];
        tile.id = id;
        if (!setup.live[id]) return;
        const std::string name = "tile_x" + std::to_string(x) + "_y" + std::to_string(y);
        context.randSeed(static_cast<int>((m_seed + id) & 0x3FFFFFFF) + 1);
        tile.model = std::make_unique<Vtile>(&context, name.c_str());
        Root& r = *(tile.root = tile.model->rootp);
        const int place = (y + 1) * m_stride + x + 1;
        tile.links = links(place);
        const bool inside[4] = {y > 0, x + 1 < m_width, y + 1 < m_height, x > 0};
        const int offset[4] = {-m_stride, 1, m_stride, -1};
        uint8_t in_ok = 0;
        for (int port = 0; port < 4; ++port) {
            tile.neighbour[port] = links(place + offset[port]);
            in_ok |= setup.in_ok[id * 4 + port] << port;
            tile.out_ok |= setup.out_ok[id * 4 + port] << port;
            tile.noisy_in |= (inside[port] && !setup.in_ok[id * 4 + port]) << port;
            tile.noisy_out |= (inside[port] && !setup.out_ok[id * 4 + port]) << port;
        }
        tile.noisy_core = !setup.core_ok[id];
        r.pos_x = x;
        r.pos_y = y;
        r.fuse_core_ok = setup.core_ok[id];
        r.fuse_in_ok = in_ok;
        r.fuse_out_ok = tile.out_ok;
        tile.model->eval();  // initial values; from here on the root may be evaluated directly
    }

    void set_pins(Tile& tile, bool reset, bool hold, const Bus& bus) const {
        Root& r = *tile.root;
        r.rst = reset;
        r.hold = hold;
        r.idle = m_idle;
        r.cfg_valid = bus.valid;
        r.cfg_write = bus.write;
        r.cfg_any_x = bus.any_x;
        r.cfg_any_y = bus.any_y;
        r.cfg_x = bus.x;
        r.cfg_y = bus.y;
        r.cfg_table = bus.table;
        r.cfg_index = bus.index;
        store(r.cfg_wdata, bus.data[bus.stride * tile.id]);
    }

    Noise noise(const Tile& tile, uint64_t now, unsigned half) const {
        return {m_seed, tile.id, 2 * now + half};
    }

    template <typename Action>
    void for_live(Action&& action) {
        for (auto& tile : m_tiles) {
            if (tile.model) action(tile);
        }
    }

    // A cycle in plain passes over all tiles.
    void plain_cycle(bool reset, bool hold, bool running) {
        const int64_t cycle = running ? m_cycle : -1;
        bool quiet = true;
        const Tile* writer = nullptr;
        for_live([&](Tile& tile) {
            tile.drive(m_traffic, m_stalls, cycle, noise(tile, m_now, 0));
            if (running) {
                const auto wrong = tile.observe(m_traffic, cycle, m_band[0].events);
                m_band[0].violation.note(cycle, tile.id, wrong);
            }
            if (!reset) write_remap(tile, writer, cycle);
            quiet &= tile.root->quiet;
        });
        for_live([&](Tile& tile) { tile.receive(noise(tile, m_now, 1)); });
        if (traced(cycle)) {
            for_live([](Tile& tile) { tile.evaluate(); });  // waves show settled links
            dump(10 * cycle);
        }
        for_live([&](Tile& tile) { tile.edge(m_remap); });
        if (traced(cycle)) dump(10 * cycle + 5);
        m_idle = hold && !reset && quiet;
        m_cycle += running;
        ++m_now;
    }

    // All tiles share one memory, so all that write in a cycle must write the same.
    void write_remap(Tile& tile, const Tile*& writer, int64_t cycle) {
        const Root& r = *tile.root;
        if (!r.remap_we) return;
        if (writer == nullptr) writer = &tile;
        const Root& w = *writer->root;
        const bool differ = r.remap_waddr != w.remap_waddr || r.remap_wdata != w.remap_wdata;
        m_band[0].violation.note(cycle, tile.id, differ << STRAY_REMAP);
        if (r.remap_waddr < m_remap.size()) m_remap[r.remap_waddr] = r.remap_wdata;
    }

    // A band of rows. Its edge rows go first, so that after the barrier the bands on both sides
    // have all they need; inside, a row is clocked one row behind the one that is driven, so that
    // a large fabric passes through the cache once a cycle.
    void sweep(unsigned band, int64_t begin, int64_t end) {
        const int first = row(band), last = row(band + 1) - 1;
        Band& own = m_band[band];
        const auto for_row = [&](int y, auto&& action) {
            Tile* const tiles = &m_tiles[static_cast<size_t>(y) * m_width];
            for (int x = 0; x < m_width; ++x) {
                if (tiles[x].model) action(tiles[x]);
            }
        };
        uint64_t now = m_now;
        for (int64_t cycle = begin; cycle < end; ++cycle, ++now) {
            const auto driving = [&](Tile& tile) {
                tile.drive(m_traffic, m_stalls, cycle, noise(tile, now, 0));
                const auto wrong = tile.observe(m_traffic, cycle, own.events);
                own.violation.note(cycle, tile.id, wrong);
            };
            const auto clocking = [&](Tile& tile) {
                tile.receive(noise(tile, now, 1));
                tile.edge(m_remap);
            };
            for_row(first, driving);
            if (last != first) for_row(last, driving);
            m_barrier.wait();
            for (int y = first; y <= last; ++y) {
                if (y + 1 < last) for_row(y + 1, driving);
                for_row(y, clocking);
            }
            m_barrier.wait();
        }
    }

    bool traced(int64_t cycle) const {
        return m_tracing && cycle >= std::max<int64_t>(m_begin, 0) && cycle < m_end;
    }

    void dump([[maybe_unused]] int64_t time) {
#ifdef WITH_TRACE
        m_trace->dump(static_cast<uint64_t>(time));
#endif
    }

    const int m_width, m_height;
    const uint64_t m_seed;
    const int m_bands;
    Pool m_pool;
    Barrier m_barrier;
    std::vector<std::unique_ptr<VerilatedContext>> m_contexts;  // of each band; of traced tiles
    std::vector<Band> m_band;
    const int m_stride;  // places in a row of links: whole cache lines of ready, a border all round
    std::vector<Forward> m_forward;
    std::vector<ReadyLine> m_ready;
    std::vector<Tile> m_tiles;
    std::vector<uint64_t> m_remap;
    std::vector<uint64_t> m_none;  // an empty schedule
    Traffic m_traffic{};
    Stalls m_stalls{};
    int64_t m_cycle = 0;
    uint64_t m_now = 0;  // counts configuration cycles too
    bool m_idle = false;
    bool m_tracing = false;
    int64_t m_begin = 0, m_end = 0;  // traced cycles
#ifdef WITH_TRACE
    std::unique_ptr<TraceFile> m_trace;
#endif
};
