// SPDX-License-Identifier: Apache-2.0
#include "userspace/source/mesh_reader.h"

#include <algorithm>
#include <utility>

#include "userspace/model/checks.h"

namespace weir {
namespace {

using Fragment = std::shared_ptr<const MeshFragment>;

template <typename T>
using Member = std::vector<std::shared_ptr<const T>> MeshFragment::*;

template <typename T>
std::vector<std::shared_ptr<const T>> all_of(const std::vector<Fragment>& fragments,
                                             Member<T> member) {
    std::vector<std::shared_ptr<const T>> all;
    for (const auto& fragment : fragments)
        all.insert(all.end(), ((*fragment).*member).begin(), ((*fragment).*member).end());
    sort_by_name(all);
    return all;
}

// The first of each name; the others are errors.
template <typename T>
Named<T> join(const std::vector<Fragment>& fragments, Member<T> member, const std::string& kind,
              Diagnostics& found) {
    std::map<std::string, std::shared_ptr<const T>> first;
    for (const auto& fragment : fragments)
        for (const auto& one : (*fragment).*member) {
            const auto [known, fresh] = first.emplace(one->name, one);
            if (!fresh)
                found.error(one->origin, kind + " \"" + one->name +
                                             "\" is written twice, first at " +
                                             known->second->origin.str() + ": remove one");
        }
    std::vector<std::shared_ptr<const T>> all;
    for (auto& [name, one] : first)
        all.push_back(std::move(one));
    return Named<T>(std::move(all));
}

template <typename Function>
void for_each_thing(const std::vector<Fragment>& fragments, Function function) {
    for (const auto& fragment : fragments) {
        for (const auto& service : fragment->services)
            function(*service);
        for (const auto& workload : fragment->workloads)
            function(*workload);
    }
}

}  // namespace

// Brings files_ and conflicts_ to the text.
MeshReader::Change MeshReader::take_files(const MeshText& text) {
    if (text.directory != std::exchange(directory_, text.directory))
        *this = MeshReader(), directory_ = text.directory;  // errors name places by it
    Change change;
    Fragments left = std::move(files_);
    files_.clear();
    for (const auto& file : text.files) {
        const auto known = left.find(file.name);
        if (known != left.end() && known->second->file == file) {
            files_.insert(left.extract(known));
            continue;
        }
        change.come.push_back(
            std::make_shared<const MeshFragment>(read_mesh_file(file, text.directory)));
        files_.emplace(file.name, change.come.back());
    }
    for (auto& [name, fragment] : left)
        change.gone.push_back(std::move(fragment));
    for_each_thing(change.gone, [&](const auto& thing) { conflicts_.remove(thing); });
    for_each_thing(change.come, [&](const auto& thing) { conflicts_.add(thing); });
    return change;
}

// Of files_, in which nothing is written twice.
std::shared_ptr<Snapshot> MeshReader::snapshot_after(const Change& change) const {
    auto snapshot = std::make_shared<Snapshot>();
    Change all = change;
    if (!last_) {
        all.gone.clear();
        all.come.clear();
        for (const auto& [name, fragment] : files_)
            all.come.push_back(fragment);
    }
    const Snapshot& base = last_ ? *last_ : *snapshot;
    snapshot->services = base.services.with(all_of(all.gone, &MeshFragment::services),
                                            all_of(all.come, &MeshFragment::services));
    snapshot->workloads = base.workloads.with(all_of(all.gone, &MeshFragment::workloads),
                                              all_of(all.come, &MeshFragment::workloads));
    return snapshot;
}

void MeshReader::find_conflicts(Diagnostics& found) const {
    std::vector<Fragment> fragments;
    for (const auto& [name, fragment] : files_)
        fragments.push_back(fragment);
    Snapshot snapshot;
    snapshot.services = join(fragments, &MeshFragment::services, "service", found);
    snapshot.workloads = join(fragments, &MeshFragment::workloads, "workload", found);
    check_mesh(snapshot, found);
}

Reading MeshReader::read(MeshText text) {
    const Change change = take_files(text);
    Reading reading;
    for (const auto& [name, fragment] : files_)
        reading.found.add(fragment->found);
    if (conflicts_.any())
        find_conflicts(reading.found);
    if (reading.found.has_errors()) {
        last_.reset();
    } else if (!last_ || !change.come.empty() || !change.gone.empty()) {
        auto snapshot = snapshot_after(change);
        snapshot->digest = text.digest();
        last_ = std::move(snapshot);
    }
    reading.snapshot = last_;
    reading.text = std::move(text);
    return reading;
}

Reading read_mesh(MeshText text) {
    return MeshReader().read(std::move(text));
}

}  // namespace weir
