# SPDX-License-Identifier: Apache-2.0
#
# @summary The telemetry agent thermograf: its configuration, probes of the site's own, and its service.
#
# The configuration, and descriptions of probes, are checked by the agent itself before they take the place of the old ones.
# A change reloads the agent, which loses no count of a probe that did not change; a change of the unit, or of a secret that
# systemd hands to it, restarts it.
#
# @example Everything from Hiera: examples/
#   include thermograf
#
# @param agent
#   Section [agent]: thermograf.ini(5).
# @param global_tags
#   Tags on every line. `dc`, the data centre, belongs there.
# @param outputs
#   Sections [output.NAME] by name.
# @param probes
#   Probes of the site's own as data, and sections [probe.NAME]: Thermograf::Probe.
# @param secrets
#   Texts by name; NAME becomes the file CONFIG_DIR/secrets/NAME, for token_file and password_file.
# @param purge_secrets
#   Whether files in CONFIG_DIR/secrets that are not Puppet's are removed: also the secrets of somebody who puts them there by hand.
# @param purge_probes
#   Whether files in CONFIG_DIR/probes.d that are not Puppet's are removed.
# @param unit
#   What a drop-in of the unit changes: section, key, value. A list repeats the key.
# @param service_ensure
#   Whether the agent runs.
# @param service_enable
#   Whether it starts with the host.
# @param package_name
#   Package that brings the agent; undef: something else does, as `make install`.
# @param package_ensure
#   What is wanted of the package: a version, latest, ...
# @param program
#   The agent.
# @param config_dir
#   The folder of its configuration.
# @param group
#   The group of the agent's user, which may read the configuration and the secrets.
class thermograf (
  Thermograf::Section $agent                                     = {},
  Thermograf::Section $global_tags                               = {},
  Hash[Thermograf::Name, Thermograf::Section] $outputs           = {},
  Hash[Thermograf::Name, Thermograf::Probe] $probes              = {},
  Sensitive[Hash[Thermograf::Name, String[1]]] $secrets          = Sensitive({}),
  Boolean $purge_secrets                                         = false,
  Boolean $purge_probes                                          = true,
  Hash[Enum['Unit', 'Service', 'Install'], Hash[
    Pattern[/\A[A-Za-z]+\z/],
    Variant[Thermograf::Text, Numeric, Boolean, Array[Thermograf::Text]]
  ]] $unit                                                       = {},
  Enum['running', 'stopped'] $service_ensure                     = 'running',
  Boolean $service_enable                                        = true,
  Optional[String[1]] $package_name                              = undef,
  String[1] $package_ensure                                      = 'installed',
  Pattern[/\A\/[^%'"\s]+\z/] $program                            = '/usr/bin/thermograf',
  Pattern[/\A\/[^%'"\s]+\z/] $config_dir                         = '/etc/thermograf',
  String[1] $group                                               = 'thermograf',
) {
  $unit_dir = '/etc/systemd/system/thermograf.service.d'
  $probes_dir = "${config_dir}/probes.d"
  $secrets_dir = "${config_dir}/secrets"

  if $package_name {
    package { $package_name:
      ensure => $package_ensure,
      before => File[$config_dir],
      notify => Exec['thermograf: restart'],
    }
  }

  file {
    default:
      owner => 'root',
      group => 'root',
      mode  => '0644',
      ;
    $config_dir:
      ensure => directory,
      mode   => '0755',
      ;
    $probes_dir:
      ensure  => directory,
      mode    => '0755',
      recurse => true,
      purge   => $purge_probes,
      notify  => Service['thermograf'],
      ;
    # The agent warns of a secret that everybody can read.
    $secrets_dir:
      ensure  => directory,
      group   => $group,
      mode    => '0750',
      recurse => true,
      purge   => $purge_secrets,
      ;
  }

  # The agent reads a file again when it changes; a credential, systemd when the agent starts.
  $service_keys = 'Service' in $unit ? { true => $unit['Service'].keys, default => [] }
  $reader = $service_keys.any |$key| { $key =~ /\ALoadCredential/ } ? {
    true    => Exec['thermograf: restart'],
    default => Service['thermograf'],
  }
  $secrets.unwrap.each |$name, $text| {
    file { "${secrets_dir}/${name}":
      owner   => 'root',
      group   => $group,
      mode    => '0640',
      content => Sensitive("${text}\n"),
      before  => File["${config_dir}/thermograf.ini"],
      notify  => $reader,
    }
  }

  # Before the configuration, whose check binds them. A description is checked with its object, and without other probes.
  $own = $probes.filter |$name, $probe| { 'description' in $probe }
  $own.each |$name, $probe| {
    $object = "${probes_dir}/${name}.bpf.o"
    $copies = "d=\$(mktemp -d) && cp % \$d/${name}.ini && cp ${object} \$d"
    file {
      default:
        owner  => 'root',
        group  => 'root',
        mode   => '0644',
        before => File["${config_dir}/thermograf.ini"],
        notify => Service['thermograf'],
        ;
      $object:
        source => $probe['source'],
        ;
      "${probes_dir}/${name}.ini":
        content      => epp('thermograf/ini.epp', { 'sections' => $probe['description'] }),
        require      => File[$object],
        validate_cmd => "${copies} && ${program} check --config /dev/null --set agent/probe_dirs=\$d; r=\$?; rm -rf \"\$d\"; exit \$r",
        ;
    }
  }

  $output_sections = Hash($outputs.map |$name, $keys| { ["output.${name}", $keys] })
  $probe_sections = Hash($probes.filter |$name, $probe| { 'settings' in $probe }.map |$name, $probe| {
    ["probe.${name}", $probe['settings']]
  })
  $sections = { 'agent' => $agent, 'global_tags' => $global_tags } + $output_sections + $probe_sections
  file { "${config_dir}/thermograf.ini":
    owner        => 'root',
    group        => $group,
    mode         => '0640',
    content      => epp('thermograf/ini.epp', { 'sections' => $sections }),
    validate_cmd => "${program} check --config %",
    notify       => Service['thermograf'],
  }

  # systemd's own way to change a unit that is somebody else's file.
  $unit_ensure = $unit.empty ? { true => 'absent', default => 'file' }
  file {
    default:
      owner => 'root',
      group => 'root',
      ;
    $unit_dir:
      ensure => directory,
      mode   => '0755',
      ;
    "${unit_dir}/puppet.conf":
      ensure  => $unit_ensure,
      mode    => '0644',
      content => epp('thermograf/unit.epp', { 'sections' => $unit }),
      notify  => Exec['thermograf: restart'],
      ;
  }
  exec { 'thermograf: restart':
    command     => 'systemctl daemon-reload && systemctl try-restart thermograf.service',
    path        => ['/usr/bin', '/bin'],
    provider    => shell,
    refreshonly => true,
    require     => File["${config_dir}/thermograf.ini"],
    before      => Service['thermograf'],
  }

  service { 'thermograf':
    ensure  => $service_ensure,
    enable  => $service_enable,
    restart => 'systemctl reload thermograf.service',
  }
}
