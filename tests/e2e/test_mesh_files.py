# SPDX-License-Identifier: Apache-2.0
"""The mesh directory: errors all at once with their places, changes followed, bad ones refused, the last
good state kept over a restart."""

import json
import os
import shutil
import unittest

from case import VIP, LabCase, wait_for


class Files(LabCase):
    def good(self, *endpoints):
        return self.mesh_of(list(endpoints))

    def wait_for_endpoints(self, *pods):
        wanted = {pod.ip + ":8080" for pod in pods}
        wait_for(lambda: {e for e, row in self.lab.endpoints("orders.shop").items() if row["weight"]} == wanted,
                 f"endpoints {wanted}", 3)

    def setUp(self):
        for name in os.listdir(self.lab.mesh):
            if name != "mesh.yaml":
                os.unlink(f"{self.lab.mesh}/{name}")
        self.lab.write_mesh(self.good(self.a.ip, self.b.ip))
        self.wait_for_endpoints(self.a, self.b)

    def test_a_rename_is_followed(self):
        self.lab.write_mesh(self.good(self.b.ip))
        self.wait_for_endpoints(self.b)
        self.assertEqual(self.client.connects(VIP, 80, count=20)["greeted"], {"b": 20})

    def test_a_write_in_place_is_followed(self):
        with open(self.lab.mesh + "/mesh.yaml", "w") as file:
            file.write(self.good(self.a.ip))
        self.wait_for_endpoints(self.a)

    def test_a_removed_file_is_followed(self):
        self.lab.write_mesh('services:\n  extra: {addresses: ["10.96.9.9"], ports: [{port: 1}]}\n', "extra.yaml")
        wait_for(lambda: self.lab.service("extra", 1), "the new service", 3)
        os.unlink(self.lab.mesh + "/extra.yaml")
        wait_for(lambda: not self.lab.service("extra", 1), "the service to go", 3)

    def test_a_swapped_symlink_is_followed(self):
        # As Kubernetes updates a ConfigMap volume: files are links into a directory that is swapped.
        for name, endpoint in (("one", self.a.ip), ("two", self.b.ip)):
            os.makedirs(f"{self.lab.directory}/{name}", exist_ok=True)
            with open(f"{self.lab.directory}/{name}/mesh.yaml", "w") as file:
                file.write(self.good(endpoint))
        data = self.lab.mesh + "/..data"
        os.symlink(self.lab.directory + "/one", data)
        os.symlink("..data/mesh.yaml", self.lab.mesh + "/fresh.yaml")
        os.unlink(self.lab.mesh + "/mesh.yaml")
        self.wait_for_endpoints(self.a)
        os.symlink(self.lab.directory + "/two", data + "_tmp")
        os.rename(data + "_tmp", data)
        self.wait_for_endpoints(self.b)
        os.unlink(data)

    def test_a_bad_file_leaves_the_last_good_generation(self):
        generation = self.lab.weir("status", "-o", "json", parse=True)["generation"]
        self.lab.write_mesh("services:\n  orders.shop:\n    adresses: []\n")
        status = wait_for(lambda: self._errors(), "the errors in status", 3)
        self.assertEqual(status["generation"], generation)
        self.assertIn('did you mean "addresses"?', "\n".join(status["agent"]["meshErrors"]))
        self.assertIn("mesh.yaml:3:5: error:", status["agent"]["meshErrors"][0])
        self.assertEqual(self.client.connects(VIP, 80, count=20)["errors"], {})
        self.assertIn("mesh-rejected", self.lab.agent_log())
        self.assertIn("weir_mesh_last_read_successful 0", wait_for(
            lambda: (m := self.lab.metrics()) and "weir_mesh_last_read_successful 0" in m and m, "the metric", 3))
        self.assertRegex(self.lab.weir("status").stdout, r"stale for \d+s: the directory has errors")
        self.assertEqual(self.lab.weir("check", check=False).returncode, 1)
        self.lab.write_mesh(self.good(self.a.ip))
        self.wait_for_endpoints(self.a)
        self.assertEqual(self.lab.weir("status", "-o", "json", parse=True)["agent"]["meshErrors"], [])

    def _errors(self):
        status = self.lab.weir("status", "-o", "json", parse=True)
        return status if status["agent"] and status["agent"]["meshErrors"] else None

    def test_the_last_good_state_survives_a_restart(self):
        self.lab.write_mesh("services: [\n")
        wait_for(self._errors, "the errors in status", 3)
        self.lab.kill_agent()
        self.lab.start_agent()
        self.assertEqual(self.client.connects(VIP, 80, count=20)["greeted"], {"a": 10, "b": 10})
        self.assertEqual(self.lab.service("orders.shop")["state"], "serving")
        self.assertIn("mesh.yaml:2:1: error: not YAML", self._errors()["agent"]["meshErrors"][0])

    def test_the_last_good_state_survives_a_reboot(self):
        # Pins do not survive one: the state directory does.
        self.lab.write_mesh("services: [\n")
        wait_for(self._errors, "the errors in status", 3)
        self.lab.kill_agent()
        shutil.copytree(self.lab.state, self.lab.state + ".kept")
        self.lab.weir("uninstall")
        self.assertFalse(os.path.exists(self.lab.state))
        os.rename(self.lab.state + ".kept", self.lab.state)
        self.lab.start_agent()
        self.assertEqual(self.client.connects(VIP, 80, count=20)["errors"], {})

    def test_a_link_that_leads_nowhere_is_an_error(self):
        link = self.lab.mesh + "/linked.yaml"
        with open(self.lab.directory + "/linked.yaml", "w") as file:
            file.write('services:\n  linked: {addresses: ["10.96.9.8"], ports: [{port: 1}]}\n')
        os.symlink(self.lab.directory + "/linked.yaml", link)
        wait_for(lambda: self.lab.service("linked", 1), "the linked file's service", 3)
        os.unlink(self.lab.directory + "/linked.yaml")
        self.lab.write_mesh(self.good(self.a.ip))  # the directory is read again
        errors = wait_for(self._errors, "the error in status", 3)["agent"]["meshErrors"]
        self.assertIn("linked.yaml is no readable file (No such file or directory)", errors[0])
        self.assertTrue(self.lab.service("linked", 1), "its services must not vanish")
        os.unlink(link)
        wait_for(lambda: not self.lab.service("linked", 1), "the service to go", 3)
        self.wait_for_endpoints(self.a)

    def test_a_state_that_cannot_be_saved_is_said(self):
        status = lambda: self.lab.weir("status", "-o", "json", parse=True)["agent"]["saveError"]  # noqa: E731
        def put_back():
            if os.path.isfile(self.lab.state):
                os.unlink(self.lab.state)
                os.rename(self.lab.state + ".away", self.lab.state)
        self.addCleanup(put_back)
        os.rename(self.lab.state, self.lab.state + ".away")
        open(self.lab.state, "w").close()  # a file where the directory should be: root may write anything else
        self.lab.write_mesh(self.good(self.a.ip))
        self.assertIn("cannot", wait_for(status, "the error in status", 3))
        self.wait_for_endpoints(self.a)  # in force all the same
        self.assertRegex(self.lab.weir("status").stdout, "ERROR +the mesh is not saved for a restart: cannot make")
        self.assertIn("weir_mesh_saved 0", wait_for(
            lambda: (m := self.lab.metrics()) and "weir_mesh_saved 0" in m and m, "the metric", 3))
        self.assertIn("state-not-saved", self.lab.agent_log())
        put_back()
        wait_for(lambda: status() == "", "the state to be saved", 3)  # without another change
        with open(self.lab.state + "/last-good.json") as file:
            for name in json.load(file)["files"]:
                with open(self.lab.state + "/files/" + name) as text:
                    self.assertNotIn(self.b.ip, text.read())

    def test_a_missing_directory_is_said_and_followed(self):
        os.rename(self.lab.mesh, self.lab.mesh + ".away")
        errors = wait_for(self._errors, "the error in status", 5)["agent"]["meshErrors"]
        self.assertIn("cannot be read", errors[0])
        self.assertEqual(self.client.connects(VIP, 80, count=20)["errors"], {})
        os.rename(self.lab.mesh + ".away", self.lab.mesh)
        wait_for(lambda: not self._errors(), "the directory to be read again", 5)
        self.lab.write_mesh(self.good(self.a.ip))
        self.wait_for_endpoints(self.a)

    def test_apply_refuses_and_leaves_the_directory(self):
        before = sorted(os.listdir(self.lab.mesh))
        path = self.lab.directory + "/bad.yaml"
        with open(path, "w") as file:
            file.write(f"services:\n  other: {{addresses: ['{VIP}'], ports: [{{port: 80}}]}}\n")
        done = self.lab.weir("apply", path, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("so has service", done.stderr)
        self.assertIn("nothing was changed", done.stderr)
        self.assertEqual(sorted(os.listdir(self.lab.mesh)), before)

    def test_apply_refuses_two_files_of_one_name(self):
        before = sorted(os.listdir(self.lab.mesh))
        paths = []
        for number in (1, 2):
            os.makedirs(f"{self.lab.directory}/{number}", exist_ok=True)
            paths.append(f"{self.lab.directory}/{number}/same.yaml")
            with open(paths[-1], "w") as file:
                file.write(f'services:\n  s{number}: {{addresses: ["10.96.8.{number}"], ports: [{{port: 1}}]}}\n')
        done = self.lab.weir("apply", *paths, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("both named same.yaml", done.stderr)
        self.assertEqual(sorted(os.listdir(self.lab.mesh)), before)

    def test_apply_waits_for_the_kernel(self):
        done = self.lab.apply(self.good(self.b.ip))
        self.assertRegex(done.stdout, r"- endpoint orders.shop .*\ngeneration \d+ is in force")
        self.assertEqual(self.client.connects(VIP, 80, count=20)["greeted"], {"b": 20})

    def test_diff_shows_what_apply_would_do(self):
        path = self.lab.directory + "/mesh.yaml"
        with open(path, "w") as file:
            file.write(self.good((self.a.ip, 9), self.b.ip))
        out = self.lab.weir("diff", path).stdout
        self.assertEqual(out, f"~ endpoint orders.shop {self.a.ip}: weight 1 -> 9\n")
        self.assertEqual(self.lab.weir("diff").stdout, "No changes.\n")


if __name__ == "__main__":
    unittest.main()
